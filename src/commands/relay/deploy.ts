/** What to type on the relay's machine, in Infisical's words (PROTOCOL 0.4). */
export function deployCommand(name: string, token: string, domain: string): string {
  return `sallyport relay start --name=${name} --enroll-method=token --token=${token} --domain=${domain}`;
}

/** Where the names are of what a platform says it does not have. */
const LISTS: Readonly<Record<string, string>> = {
  gateway: "gateway list",
  "gateway pool": "pool list",
  relay: "relay list",
  resource: "resource list",
  role: "role list",
  "machine identity": "identity list",
  "alert destination": "alert list",
  "person in this organisation": "user list",
  "person or machine identity in this organisation": "user list",
};

/** A platform's "There is no such gateway." with the command that shows which there are. */
export function withList(message: string): string {
  return message.replace(/There is no such ([a-z ]+)\.$/, (whole, what: string) => {
    const list = LISTS[what];
    return list === undefined ? whole : `There is no such ${what}: see "sallyport ${list}".`;
  });
}

/** With its full stop, but for a command at the end, which is copied as it stands. */
export function sentence(message: string): string {
  return /[.!?]$|\bsallyport [^"]*$/.test(message) ? message : `${message}.`;
}

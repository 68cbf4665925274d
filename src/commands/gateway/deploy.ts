import { list } from "../../gateway/settings.ts";
import { requireRelayName } from "../../host/names.ts";
import { shellWord } from "../../host/shell-word.ts";

interface Deployment {
  name: string;
  token: string;
  relays: string[];
  domain: string;
}

/** What to type on the gateway's machine, in Infisical's words (PROTOCOL 0.4). */
export function deployCommand({ name, token, relays, domain }: Deployment): string {
  const words = [
    ...["sallyport", "gateway", "start", name, "--enroll-method=token", `--token=${token}`],
    ...(relays.length > 0 ? [`--relay=${relays.join(",")}`] : []),
    `--domain=${domain}`,
  ];
  return words.map(shellWord).join(" ");
}

/** @throws SallyportError NAME_INVALID */
export function relayNames(values: string[]): string[] {
  return values.flatMap((value) => list(value, "--relay")).map(requireRelayName);
}

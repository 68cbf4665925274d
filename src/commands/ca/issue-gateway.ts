import { parseHostPort } from "../../host/address.ts";
import { requireDialHost } from "../../host/dial-host.ts";
import { requireGatewayName } from "../../host/names.ts";
import { atDesk } from "../../pki/offline/desk.ts";
import { issueGateway } from "../../pki/offline/issue-gateway.ts";
import { command } from "../command.ts";
import { parseDuration } from "../duration.ts";
import { caFlags, fileOf, holderFlags, placeOf, portOf } from "./flags.ts";
import { printIssued } from "./print.ts";

export default command({
  name: "gateway",
  description: "Issue the directory that `gateway start --pki` runs with",
  args: {
    ...caFlags,
    ...holderFlags,
    name: { type: "positional", description: "Name of the gateway", required: true },
    "relay-host": {
      type: "string",
      description: "Relay to dial, host or host:ssh-port (repeatable, up to 4)",
      valueHint: "HOST[:PORT]",
    },
    relay: {
      type: "string",
      description: "Relay by its name, where the host is not enough (repeatable)",
      valueHint: "NAME",
    },
  },
  async run({ args, repeated }) {
    const order = {
      name: requireGatewayName(args.name),
      relays: { hosts: repeated("relay-host").map(relayHost), names: repeated("relay") },
      out: args.out,
      ttlSeconds: parseDuration(args.ttl, "--ttl"),
      csr: await fileOf(args.csr, "--csr"),
      sshPublicKey: await fileOf(args["ssh-public-key"], "--ssh-public-key"),
    };
    const issued = await atDesk(placeOf(args), (desk) => issueGateway(desk, order));
    await printIssued(issued, ["sallyport", "gateway", "start", "--pki"], args.json ?? false);
  },
});

/** Stands for "no port given", which the ledger answers. */
const ANY_PORT = -1;

function relayHost(text: string): { host: string; sshPort: number | undefined } {
  const { host, port } = parseHostPort(text, "--relay-host", ANY_PORT);
  return {
    host: requireDialHost(host, "--relay-host"),
    sshPort: port === ANY_PORT ? undefined : portOf(String(port), "--relay-host"),
  };
}

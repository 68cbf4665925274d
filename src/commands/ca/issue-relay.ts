import { requireDialHost } from "../../host/dial-host.ts";
import { requireRelayName } from "../../host/names.ts";
import { atDesk } from "../../pki/offline/desk.ts";
import { issueRelay } from "../../pki/offline/issue-relay.ts";
import { command } from "../command.ts";
import { parseDuration } from "../duration.ts";
import { caFlags, fileOf, holderFlags, placeOf, portOf } from "./flags.ts";
import { printIssued } from "./print.ts";

export default command({
  name: "relay",
  description: "Issue the directory that `relay start --pki` runs with",
  args: {
    ...caFlags,
    ...holderFlags,
    name: { type: "positional", description: "Name of the relay", required: true },
    host: {
      type: "string",
      description: "Name or address that gateways and clients dial",
      valueHint: "HOST",
      required: true,
    },
    "ssh-port": { type: "string", description: "Port for gateways", valueHint: "PORT", default: "2222" },
    "tls-port": { type: "string", description: "Port for clients", valueHint: "PORT", default: "8443" },
  },
  async run({ args }) {
    const order = {
      name: requireRelayName(args.name),
      host: requireDialHost(args.host, "--host"),
      sshPort: portOf(args["ssh-port"], "--ssh-port"),
      tlsPort: portOf(args["tls-port"], "--tls-port"),
      out: args.out,
      ttlSeconds: parseDuration(args.ttl, "--ttl"),
      csr: await fileOf(args.csr, "--csr"),
      sshPublicKey: await fileOf(args["ssh-public-key"], "--ssh-public-key"),
    };
    const issued = await atDesk(placeOf(args), (desk) => issueRelay(desk, order));
    await printIssued(issued, ["sallyport", "relay", "start", "--pki"], args.json ?? false);
  },
});

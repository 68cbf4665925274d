import { parseHostPort } from "../../host/address.ts";
import { requireGatewayName, requireRelayName } from "../../host/names.ts";
import { atDesk } from "../../pki/offline/desk.ts";
import { issueClient } from "../../pki/offline/issue-client.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { parseDuration } from "../duration.ts";
import { caFlags, fileOf, holderFlags, placeOf, portOf } from "./flags.ts";
import { printIssued } from "./print.ts";

export default command({
  name: "client",
  description: "Issue the directory with which `connect --pki` reaches one target behind a gateway",
  args: {
    ...caFlags,
    out: holderFlags.out,
    csr: holderFlags.csr,
    ttl: { ...holderFlags.ttl, default: "1h" },
    gateway: { type: "string", description: "Name of the gateway", valueHint: "NAME", required: true },
    target: {
      type: "string",
      description: "What to reach from there",
      valueHint: "HOST:PORT",
      required: true,
    },
    relay: {
      type: "string",
      description: "Which of the gateway's relays to use (default: its first)",
      valueHint: "NAME",
    },
  },
  async run({ args }) {
    const order = {
      gatewayName: requireGatewayName(args.gateway),
      relayName: args.relay === undefined ? undefined : requireRelayName(args.relay),
      target: targetOf(args.target),
      out: args.out,
      ttlSeconds: parseDuration(args.ttl, "--ttl"),
      csr: await fileOf(args.csr, "--csr"),
    };
    const issued = await atDesk(placeOf(args), (desk) => issueClient(desk, order));
    await printIssued(issued, ["sallyport", "connect", "--pki"], args.json ?? false);
  },
});

function targetOf(text: string): { host: string; port: number } {
  const { host, port } = parseHostPort(text, "--target");
  // Private names are looser than public ones (underscores), but a gateway refuses anything invisible.
  if (!/^[\p{L}\p{N}._:-]+$/u.test(host)) {
    throw new SallyportError("USAGE", "--target must look like host:port, for example db.internal:5432");
  }
  return { host, port: portOf(String(port), "--target") };
}

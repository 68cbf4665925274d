import { join } from "node:path";
import { REVOKED_FILE } from "../../pki/identity.ts";
import { atDesk } from "../../pki/offline/desk.ts";
import { revokeClient, revokeGateway, revokeRelay } from "../../pki/offline/revoke.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { printJson, printLine } from "../output.ts";
import { caFlags, placeOf } from "./flags.ts";
import { printDelivery } from "./print.ts";

const KINDS = { gateway: revokeGateway, relay: revokeRelay, client: revokeClient };

export default command({
  name: "revoke",
  description: "Refuse what was issued: revoke gateway NAME, relay NAME or client SERIAL",
  args: {
    ...caFlags,
    kind: { type: "positional", description: "gateway, relay or client", required: true },
    which: { type: "positional", description: "Name, or a serial of the client", required: true },
  },
  async run({ args }) {
    const revoke = kindOf(args.kind);
    const place = placeOf(args);
    const revoked = await atDesk(place, (desk) => revoke(desk, args.which));
    const list = join(place.directory, REVOKED_FILE);
    if (args.json) return printJson({ list, ...revoked });
    printLine(`Revoked ${revoked.what}: ${revoked.serials.length} certificates, listed in ${list}.`);
    printDelivery(revoked, list);
  },
});

function kindOf(text: string): (typeof KINDS)[keyof typeof KINDS] {
  if (text === "gateway" || text === "relay" || text === "client") return KINDS[text];
  throw new SallyportError(
    "USAGE",
    'Say "ca revoke gateway NAME", "ca revoke relay NAME" or "ca revoke client SERIAL"',
  );
}

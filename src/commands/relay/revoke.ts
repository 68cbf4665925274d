import { revokeCommand } from "../agent/revoke.ts";
import { relay } from "./find.ts";

export default revokeCommand(relay);

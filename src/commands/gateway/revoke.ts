import { revokeCommand } from "../agent/revoke.ts";
import { gateway } from "./find.ts";

export default revokeCommand(gateway);

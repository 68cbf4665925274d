import { authMethodCommand } from "../agent/auth-method.ts";
import { relay } from "./find.ts";

export default authMethodCommand(relay);

import { authMethodCommand } from "../agent/auth-method.ts";
import { gateway } from "./find.ts";

export default authMethodCommand(gateway);

import { deleteCommand } from "../agent/delete.ts";
import { gateway } from "./find.ts";

export default deleteCommand(gateway);

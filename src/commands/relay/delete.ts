import { deleteCommand } from "../agent/delete.ts";
import { relay } from "./find.ts";

export default deleteCommand(relay);

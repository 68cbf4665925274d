import { reloadCommand } from "../local/reload.ts";

export default reloadCommand("relay");

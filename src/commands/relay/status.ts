import { statusCommand } from "../local/status.ts";

export default statusCommand("relay");

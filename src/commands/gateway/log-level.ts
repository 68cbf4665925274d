import { logLevelCommand } from "../local/log-level.ts";

export default logLevelCommand("gateway");

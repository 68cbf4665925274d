import { group } from "../command.ts";

export default group("audit", "Who changed what, and who reached what", {
  list: () => import("./list.ts"),
  connections: () => import("./connections.ts"),
});

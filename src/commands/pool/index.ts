import { group } from "../command.ts";

export default group("pool", "Gateways that stand in for each other", {
  create: () => import("./create.ts"),
  list: () => import("./list.ts"),
  show: () => import("./show.ts"),
  update: () => import("./update.ts"),
  add: () => import("./add.ts"),
  remove: () => import("./remove.ts"),
  delete: () => import("./delete.ts"),
});

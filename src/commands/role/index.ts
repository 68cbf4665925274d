import { group } from "../command.ts";

export default group("role", "Roles: named sets of rights", {
  list: () => import("./list.ts"),
  show: () => import("./show.ts"),
  rights: () => import("./rights.ts"),
  create: () => import("./create.ts"),
  update: () => import("./update.ts"),
  delete: () => import("./delete.ts"),
});

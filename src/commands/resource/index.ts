import { group } from "../command.ts";

export default group("resource", "Named targets behind gateways and pools", {
  create: () => import("./create.ts"),
  delete: () => import("./delete.ts"),
  list: () => import("./list.ts"),
  show: () => import("./show.ts"),
  update: () => import("./update.ts"),
  grant: () => import("./grant.ts"),
  grants: () => import("./grants.ts"),
  revoke: () => import("./revoke.ts"),
  ungrant: () => import("./ungrant.ts"),
});

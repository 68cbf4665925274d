import { group } from "../command.ts";

export default group("resource", "Named targets behind gateways", {
  create: () => import("./create.ts"),
  delete: () => import("./delete.ts"),
  list: () => import("./list.ts"),
  grant: () => import("./grant.ts"),
  grants: () => import("./grants.ts"),
  revoke: () => import("./revoke.ts"),
  ungrant: () => import("./ungrant.ts"),
});

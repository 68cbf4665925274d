import { group } from "../command.ts";

export default group("org", "Organisations: the tenants of a platform", {
  list: () => import("./list.ts"),
  create: () => import("./create.ts"),
  update: () => import("./update.ts"),
  rename: () => import("./rename.ts"),
  switch: () => import("./switch.ts"),
});

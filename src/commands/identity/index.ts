import { group } from "../command.ts";

export default group("identity", "Machine identities: what programs act as", {
  list: () => import("./list.ts"),
  create: () => import("./create.ts"),
  show: () => import("./show.ts"),
  update: () => import("./update.ts"),
  delete: () => import("./delete.ts"),
  secret: () => import("./secret/index.ts"),
});

import { group } from "../command.ts";

export default group("alert", "Where the platform says that something is wrong, and what it has said", {
  create: () => import("./create.ts"),
  list: () => import("./list.ts"),
  test: () => import("./test.ts"),
  delete: () => import("./delete.ts"),
  history: () => import("./history.ts"),
});

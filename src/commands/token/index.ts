import { group } from "../command.ts";

export default group("token", "API tokens: what your scripts log in with", {
  list: () => import("./list.ts"),
  create: () => import("./create.ts"),
  revoke: () => import("./revoke.ts"),
});

import { group } from "../../command.ts";

export default group("secret", "What machine identities log in with", {
  create: () => import("./create.ts"),
  list: () => import("./list.ts"),
  revoke: () => import("./revoke.ts"),
});

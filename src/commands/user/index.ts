import { group } from "../command.ts";

export default group("user", "People of an organisation", {
  list: () => import("./list.ts"),
  invite: () => import("./invite.ts"),
  invitations: () => import("./invitations.ts"),
  withdraw: () => import("./withdraw.ts"),
  role: () => import("./role.ts"),
  remove: () => import("./remove.ts"),
  password: () => import("./password.ts"),
  "reset-password": () => import("./reset-password.ts"),
});

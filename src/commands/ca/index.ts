import { group } from "../command.ts";

export default group("ca", "The certificate hierarchy, usable without a platform", {
  init: () => import("./init.ts"),
  show: () => import("./show.ts"),
  issue: () => import("./issue.ts"),
  revoke: () => import("./revoke.ts"),
  rotate: () => import("./rotate.ts"),
  export: () => import("./export.ts"),
});

import { group } from "../command.ts";

export default group("platform", "The control plane: API, certificate authorities, registry", {
  backup: () => import("./backup.ts"),
  bootstrap: () => import("./bootstrap.ts"),
  migrate: () => import("./migrate.ts"),
  "reset-password": () => import("./reset-password.ts"),
  restore: () => import("./restore.ts"),
  "rotate-root-key": () => import("./rotate-root-key.ts"),
  start: () => import("./start.ts"),
});

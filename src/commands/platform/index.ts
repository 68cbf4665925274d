import { group } from "../command.ts";

export default group("platform", "The control plane: API, certificate authorities, registry", {
  bootstrap: () => import("./bootstrap.ts"),
  migrate: () => import("./migrate.ts"),
  start: () => import("./start.ts"),
});

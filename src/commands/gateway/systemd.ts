import { group } from "../command.ts";

/** Infisical's spelling of `gateway install` and `gateway uninstall`. */
export default group("systemd", "The same as install and uninstall", {
  install: () => import("./install.ts"),
  uninstall: () => import("./uninstall.ts"),
});

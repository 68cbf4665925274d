import { group } from "../command.ts";

/** Infisical's spelling of `relay install` and `relay uninstall`. */
export default group("systemd", "The same as install and uninstall", {
  install: () => import("./install.ts"),
  uninstall: () => import("./uninstall.ts"),
});

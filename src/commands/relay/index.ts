import { group } from "../command.ts";

export default group("relay", "The rendezvous that gateways and clients dial", {
  enroll: () => import("./enroll.ts"),
  start: () => import("./start.ts"),
  install: () => import("./install.ts"),
  uninstall: () => import("./uninstall.ts"),
  systemd: () => import("./systemd.ts"),
  create: () => import("./create.ts"),
  list: () => import("./list.ts"),
  "deploy-command": () => import("./deploy-command.ts"),
});

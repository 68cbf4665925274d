import { group } from "../command.ts";

export default group("relay", "The rendezvous that gateways and clients dial", {
  enroll: () => import("./enroll.ts"),
  start: () => import("./start.ts"),
  worker: () => import("./worker.ts"),
  install: () => import("./install.ts"),
  uninstall: () => import("./uninstall.ts"),
  systemd: () => import("./systemd.ts"),
  status: () => import("./status.ts"),
  reload: () => import("./reload.ts"),
  "log-level": () => import("./log-level.ts"),
  create: () => import("./create.ts"),
  list: () => import("./list.ts"),
  show: () => import("./show.ts"),
  update: () => import("./update.ts"),
  "auth-method": () => import("./auth-method.ts"),
  drain: () => import("./drain.ts"),
  revoke: () => import("./revoke.ts"),
  delete: () => import("./delete.ts"),
  "deploy-command": () => import("./deploy-command.ts"),
});

import { group } from "../command.ts";

export default group("authorities", "Certificate authorities of the platform: see, rotate, replace", {
  abort: () => import("./abort.ts"),
  replace: () => import("./replace.ts"),
  rotate: () => import("./rotate.ts"),
  show: () => import("./show.ts"),
});

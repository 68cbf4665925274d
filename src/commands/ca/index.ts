import { group } from "../command.ts";

export default group("ca", "The certificate hierarchy, usable without a platform", {});

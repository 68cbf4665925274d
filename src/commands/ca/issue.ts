import { group } from "../command.ts";

export default group("issue", "Issue certificates to a relay, a gateway or a client", {
  relay: () => import("./issue-relay.ts"),
  gateway: () => import("./issue-gateway.ts"),
  client: () => import("./issue-client.ts"),
});

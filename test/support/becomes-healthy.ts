import { expect } from "bun:test";
import type { PlatformNetwork } from "./platform-network.ts";

/** Once the relay has told of the tunnel, which it may take up a moment after the gateway; the test's own time-out is the limit. */
export async function becomesHealthy({ client }: PlatformNetwork, gatewayId: string): Promise<void> {
  for (;;) {
    await client.gateways.check(gatewayId).catch((error: unknown) => {
      expect(error).toHaveProperty("code", "GATEWAY_NOT_CONNECTED");
    });
    if ((await client.gateways.get(gatewayId)).health?.status === "healthy") return;
    await Bun.sleep(100);
  }
}

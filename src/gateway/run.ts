import { onShutdown } from "../host/signals.ts";
import { type Gateway, type GatewayOptions, startGateway } from "./agent.ts";

/** ACCEPTANCE F8: present connections get this long to end. */
const GRACE_MS = 30_000;

/**
 * Runs a gateway until SIGTERM or SIGINT, then drains it. A signal also ends the wait for first credentials.
 * @throws SallyportError when it can't start
 */
export async function runGateway(options: GatewayOptions): Promise<void> {
  let gateway: Gateway | undefined;
  let stopping = false;
  const stopped = onShutdown(
    async () => {
      stopping = true;
      options.credentials.close();
      await gateway?.drain(GRACE_MS);
    },
    { log: options.log },
  );
  const started = startGateway(options).then(
    (running) => {
      gateway = running;
      if (stopping) running.close();
    },
    (error: unknown) => {
      if (!stopping) throw error;
    },
  );
  await Promise.race([stopped, started]);
  await stopped;
}

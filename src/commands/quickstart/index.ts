import { selfName } from "../../host/self.ts";
import { onShutdown } from "../../host/signals.ts";
import type { PlatformClient } from "../../platform-client/client.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { createLogger } from "../../telemetry/log.ts";
import { command } from "../command.ts";
import { printLine, say } from "../output.ts";
import { type Measured, measure } from "./measure.ts";
import { type Narrator, Stage } from "./stage.ts";

export default command({
  name: "quickstart",
  description: "Run the whole system on this machine with a demo service, to try it",
  args: {
    check: { type: "boolean", description: "Do it once, then stop: exit code 0 if everything worked" },
    json: { type: "boolean", description: "End with one line of JSON on stdout" },
  },
  async run({ args }) {
    say("Sallyport quickstart: every part of the system, on this machine only.\n");
    const stage = await Stage.open(narrator());
    const running = new AbortController();
    const stop = () => {
      running.abort();
      return stage.close();
    };
    const stopped = onShutdown(stop, { log: createLogger({ level: "warn" }) });
    try {
      const scene = await play(stage);
      const result = { ok: true, gateway: scene.gateway, ...scene.measured, steps: stage.steps };
      if (args.json) printLine(JSON.stringify(result));
      if (args.check) return;
      tell(stage, scene);
      await stopped;
    } catch (error) {
      if (running.signal.aborted) return;
      if (args.json) printLine(JSON.stringify({ ok: false, error: describe(error), steps: stage.steps }));
      throw error;
    } finally {
      await stage.close();
    }
  },
});

interface Scene {
  platform: PlatformClient;
  url: string;
  gateway: string;
  measured: Measured;
}

async function play(stage: Stage): Promise<Scene> {
  const service = await stage.service();
  const platform = await stage.platform();
  await stage.relay(platform);
  const gatewayId = await stage.gateway(platform, [service.port, service.rawPort]);
  const gateway = await stage.also(
    "health",
    "The platform reaches the gateway through the relay",
    async () => {
      await platform.gateways.check(gatewayId);
      return "Healthy";
    },
  );
  const url = `http://127.0.0.1:${await stage.client(platform, { name: "demo-web", port: service.port })}/`;
  await stage.also("fetch", `GET ${url}`, () => fetchOnce(url));
  const raw = await stage.client(platform, { name: "demo-raw", port: service.rawPort });
  const measured = await stage.also("measure", "What the tunnel costs", () => measure(raw));
  return { platform, url, gateway, measured };
}

async function fetchOnce(url: string): Promise<void> {
  const response = await fetch(url, {
    headers: { connection: "close" },
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (response.ok && text.startsWith("Hello")) return;
  throw new SallyportError(
    "INTERNAL",
    `${url} answered ${response.status}, not the demo page. Run quickstart again`,
  );
}

function narrator(): Narrator {
  let count = 0;
  return {
    begin: (title) => process.stderr.write(` ${++count}. ${title.padEnd(66)} `),
    failed: () => say("failed"),
    done: (milliseconds) => say(`${(milliseconds / 1000).toFixed(1)} s`),
  };
}

function tell(stage: Stage, { platform, url, measured }: Scene): void {
  const { connectMs, rttMs, upMBps, downMBps } = measured;
  const self = selfName();
  say(`
It works: ${url} is the private service, through gateway and relay, encrypted end to end.
A connection opens in ${connectMs} ms, a byte comes back in ${rttMs} ms; ${upMBps} MB/s up, ${downMBps} MB/s down.

Try next, in another terminal:
  curl ${url}
  export SALLYPORT_DOMAIN=${platform.domain} SALLYPORT_TOKEN_FILE=${stage.tokenFile}
  ${self} gateway list
  ${self} resource list
  ${self} connect demo-web --listen 127.0.0.1:0
The API is described at ${platform.domain}/api/docs/json.

Ctrl-C stops all of it and leaves nothing behind.`);
}

import { parseHostPort } from "../host/address.ts";
import { onShutdown } from "../host/signals.ts";
import { asSallyportError, SallyportError, systemCode } from "../telemetry/error.ts";
import { createLogger } from "../telemetry/log.ts";
import { command } from "./command.ts";
import { type DemoService, startDemoService } from "./demo-service.ts";
import { printLine } from "./output.ts";

export default command({
  name: "demo-target",
  description: "A small private service to try a tunnel with",
  hidden: true,
  args: {
    listen: { type: "string", description: "host:port to serve HTTP on", default: "127.0.0.1:0" },
  },
  async run({ args }) {
    const { host, port } = parseHostPort(args.listen, "--listen");
    const service = listen(host, port);
    printLine(JSON.stringify({ port: service.port, rawPort: service.rawPort }));
    await onShutdown(async () => service.close(), { log: createLogger({ level: "warn" }) });
  },
});

function listen(hostname: string, port: number): DemoService {
  try {
    return startDemoService({ hostname, port });
  } catch (error) {
    if (systemCode(error) === "EADDRINUSE") {
      throw new SallyportError("PORT_IN_USE", `Port ${port} is taken: choose another with --listen`, {
        cause: error,
      });
    }
    throw asSallyportError(error, "INTERNAL", `Cannot listen on ${hostname}:${port}`);
  }
}

import { serveStdio } from "../../src/client/stdio.ts";
import { connectTcp } from "./tcp-pair.ts";

/** A process whose stdin and stdout lead to a port on loopback: `bun stdio-child.ts <port> <alpn>`. */
const [port, alpn = null] = process.argv.slice(2);
try {
  await serveStdio(async () => ({
    stream: await connectTcp(Number(port)),
    alpn,
    gatewaySerial: "1",
    connectMs: 1,
  }));
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}

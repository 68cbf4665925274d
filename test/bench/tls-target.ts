import { readFileSync } from "node:fs";
import { listenRaw } from "../../src/commands/demo-service.ts";

/** The demo target's raw protocol over TLS: `bun tls-target.ts <key> <certificate>`. */
const [key = "", certificate = ""] = process.argv.slice(2);
const server = listenRaw("127.0.0.1", { key: readFileSync(key), cert: readFileSync(certificate) });
process.stdout.write(`${JSON.stringify({ rawPort: server.port })}\n`);

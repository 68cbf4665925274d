import { secret } from "../host/environment.ts";
import { SallyportError } from "../telemetry/error.ts";
import type { KnownRelay } from "./known-relay.ts";

/** The secret that the instance's relays share: environment, then conf (PROTOCOL 0.3). @throws SallyportError FILE_UNREADABLE */
export async function instanceSecret(relay: KnownRelay): Promise<string | undefined> {
  return (await secret(relay.machine.env, "RELAY_AUTH_SECRET")) ?? (await keptSecret(relay));
}

/** That of the conf. @throws SallyportError FILE_UNREADABLE */
export async function keptSecret({ conf }: KnownRelay): Promise<string | undefined> {
  return await secret(Object.fromEntries(conf), "RELAY_AUTH_SECRET");
}

/** What a relay of the instance registers with. @throws SallyportError USAGE, FILE_UNREADABLE */
export async function requireInstance(relay: KnownRelay): Promise<{ shared: string; host: string }> {
  const shared = await instanceSecret(relay);
  const { host } = relay.settings;
  if (shared && host) return { shared, host };
  const missing = [
    ...(host ? [] : ["--host"]),
    ...(shared ? [] : ["SALLYPORT_RELAY_AUTH_SECRET (or ..._FILE) in the environment"]),
  ];
  throw new SallyportError("USAGE", `An instance relay needs ${missing.join(" and ")}.`);
}

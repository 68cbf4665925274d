import { isIP } from "node:net";
import { formatHostPort } from "../../../host/address.ts";
import { describe, SallyportError } from "../../../telemetry/error.ts";
import { VERSION } from "../../../version.ts";
import type { HostRule } from "../host-rule.ts";
import { Slots } from "../slots.ts";
import { readAnswer } from "./bounded-answer.ts";

/** Where a cluster's API is and how its certificate is judged. */
export interface KubernetesPlace {
  /** `https://host[:port][/path]`, as `normaliseKubernetesHost` gives it. */
  kubernetesHost: string;
  /** PEM of the only authorities to trust; empty = the public ones. */
  caCertificate: string;
  verifyTlsCertificate: boolean;
}

interface Call {
  method: "GET" | "POST";
  path: string;
  bearer?: string | undefined;
  body?: unknown;
}

/** PROTOCOL G. */
const DEADLINE_MS = 10_000;
const slots = new Slots(20, 200);

/**
 * One call to a cluster's API, at an address that the host rule allows; the name is not resolved again for the dial.
 * @returns the status, and the body if it is JSON of at most 64 KiB
 * @throws SallyportError REQUEST_INVALID (the host rule), RELAY_UNREACHABLE, PLATFORM_UNREACHABLE, RESOURCE_SHORTAGE
 */
export async function callKubernetes(
  rule: HostRule,
  place: KubernetesPlace,
  call: Call,
): Promise<{ status: number; answer: unknown }> {
  return await slots.run(async () => {
    const url = new URL(place.kubernetesHost);
    const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
    const address = await rule.addressOf(url.hostname);
    const signal = AbortSignal.timeout(DEADLINE_MS);
    try {
      const where = formatHostPort(address, Number(url.port) || 443);
      const response = await fetch(`https://${where}${url.pathname.replace(/\/$/, "")}${call.path}`, {
        method: call.method,
        headers: headersOf(url.host, call),
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        redirect: "manual",
        keepalive: false,
        signal,
        tls: {
          rejectUnauthorized: place.verifyTlsCertificate,
          ...(isIP(name) ? {} : { serverName: name }),
          ...(place.caCertificate === "" ? {} : { ca: place.caCertificate }),
        },
      });
      return { status: response.status, answer: await readAnswer(response) };
    } catch (error) {
      const why = signal.aborted ? "it does not answer in time" : describe(error);
      throw new SallyportError("PLATFORM_UNREACHABLE", `The Kubernetes API can't be reached: ${why}`, {
        cause: error,
      });
    }
  });
}

function headersOf(host: string, { bearer, body }: Call): Record<string, string> {
  return {
    Accept: "application/json",
    Host: host,
    "User-Agent": `sallyport/${VERSION}`,
    ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }),
    ...(body === undefined ? {} : { "Content-Type": "application/json" }),
  };
}

/** With https and without what has no place in it; undefined when it is no such address. */
export function normaliseKubernetesHost(text: string): string | undefined {
  const full = text.includes("://") ? text.trim() : `https://${text.trim()}`;
  if (!URL.canParse(full)) return undefined;
  const { protocol, username, password, search, hash, host, pathname } = new URL(full);
  if (protocol !== "https:" || `${username}${password}${search}${hash}` !== "" || host === "")
    return undefined;
  return `https://${host}${pathname.replace(/\/+$/, "")}`;
}

import type { Surroundings } from "../../client/diagnose/context.ts";
import type { Place } from "../../client/diagnose/diagnose.ts";
import type { Collector, Step } from "../../client/diagnose/step.ts";
import { findConf } from "../../host/conf-file.ts";
import { type Role, thisMachine } from "../../host/paths.ts";
import { readIdentity } from "../../pki/identity.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { clientDirectoryView, clientView } from "./client-view.ts";
import { gatewayDirectoryView, gatewayView } from "./gateway-view.ts";
import { relayDirectoryView, relayView } from "./relay-view.ts";

/** What to look at from where. */
export interface View {
  place: Place;
  /** For people: a name. */
  subject: string;
  collectors: Collector[];
  /** The daemon on this machine that it is about. */
  daemon?: ViewedDaemon;
}

export interface ViewedDaemon {
  role: Role;
  name: string;
  conf: ReadonlyMap<string, string>;
  runtimeDirectory: string;
  /** What may not leave this machine, besides what the conf hides. */
  secrets: string[];
}

/** The flags of `doctor`, as citty parses them. */
export interface DoctorArgs {
  resource?: string | undefined;
  gateway?: string | undefined;
  relay?: string | undefined;
  target?: string | undefined;
  pki?: string | undefined;
  domain?: string | undefined;
  "ca-file"?: string | undefined;
  "insecure-http"?: boolean | undefined;
}

export interface DoctorRequest {
  args: DoctorArgs;
  /** Rules of a gateway, as `gateway start` was given them. */
  rules: { allow: string[]; deny: string[] };
}

/** @throws SallyportError USAGE, and what reading conf or directory throws */
export async function chooseView(request: DoctorRequest, around: Surroundings): Promise<View> {
  const { args } = request;
  const { resource, gateway, relay, pki, target } = args;
  const ways = [resource, gateway, relay, pki].filter((way) => way !== undefined).length;
  if (ways !== 1 || (target !== undefined && gateway === undefined && pki === undefined)) {
    throw new SallyportError(
      "USAGE",
      "Say what to look at in one way: a resource, --gateway (with --target for the way to it), --relay or --pki",
    );
  }
  if (pki !== undefined) return directoryView(pki, request, around);
  if (relay !== undefined) return relayView(relay, request, around);
  if (gateway === undefined) return clientView({ resource: resource ?? "" }, args, around);
  if (target === undefined || (await livesHere(gateway, around)))
    return gatewayView(gateway, request, around);
  return clientView({ gateway, target }, args, around);
}

/** What there is to say when `chooseView` threw: that alone. */
export function noView({ resource, gateway, relay, pki }: DoctorArgs, error: unknown): View {
  const place = relay !== undefined ? "relay" : gateway !== undefined ? "gateway" : "client";
  const step: Step = { id: "configuration", title: "What to look at", run: () => Promise.reject(error) };
  return { place, subject: resource ?? gateway ?? relay ?? pki ?? "", collectors: [{ steps: [step] }] };
}

async function directoryView(directory: string, request: DoctorRequest, around: Surroundings): Promise<View> {
  const identity = await readIdentity(directory);
  if (!identity) {
    throw new SallyportError(
      "NOT_FOUND",
      `${directory} has no identity.json: give a directory of "sallyport ca issue"`,
    );
  }
  if (identity.role === "gateway") return gatewayDirectoryView(directory, identity, request, around);
  if (identity.role === "relay") return relayDirectoryView(directory, identity, around);
  return clientDirectoryView(directory, identity, around);
}

/** Whether this is the gateway's own machine: the target is then dialled from here. */
async function livesHere(gateway: string, { env }: Surroundings): Promise<boolean> {
  try {
    return (await findConf("gateway", gateway, thisMachine(env))) !== undefined;
  } catch (error) {
    // An id, which names no file, or a conf of somebody else's.
    if (
      error instanceof SallyportError &&
      (error.code === "NAME_INVALID" || error.code === "FILE_UNREADABLE")
    )
      return false;
    throw error;
  }
}

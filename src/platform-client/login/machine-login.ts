import { isSameConf, writeConf } from "../../host/conf-file.ts";
import { type Environment, setting } from "../../host/environment.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { MachineProof } from "../calls/agent-login.ts";
import type { PlatformClient } from "../client.ts";
import { signAwsLogin } from "./aws.ts";
import { readServiceAccountToken } from "./kubernetes.ts";
import type { PlatformPin } from "./platform-pin.ts";

/** How a gateway or a relay logs in by what its machine is, again whenever it has to and without a person. */
export interface MachineLogin {
  method: "aws" | "kubernetes";
  /** Of the gateway or the relay. */
  id: string;
  /** Of the service account; where a pod has it unless told. */
  tokenPath: string | undefined;
}

/** What depends on the login and outlives its tokens is kept under this. */
export function machineLabel({ method, id }: MachineLogin): string {
  return `${method} ${id}`;
}

interface Sources {
  role: "gateway" | "relay";
  /** The command line; absent = not given. */
  flags: { enrollMethod?: string | undefined; id?: string | undefined; tokenPath?: string | undefined };
  conf: ReadonlyMap<string, string>;
  env: Environment;
}

const TOKEN_PATH = "KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * How this machine is to log in by flags, environment and conf, in that order (PROTOCOL 0.3); undefined where it is by
 * token.
 * @throws SallyportError USAGE for a method that is not known, or one without the id of what logs in
 */
export function machineLogin({ role, flags, conf, env }: Sources): MachineLogin | undefined {
  const stored = Object.fromEntries(conf);
  const kind = role.toUpperCase();
  const either = (name: string) => setting(env, name) ?? setting(stored, name);
  const method = flags.enrollMethod || either(`${kind}_ENROLL_METHOD`) || "token";
  if (method === "token") return undefined;
  if (method !== "aws" && method !== "kubernetes") {
    throw new SallyportError(
      "USAGE",
      `There is no enroll method ${JSON.stringify(method.slice(0, 40))}: use token, aws or kubernetes.`,
    );
  }
  const id = flags.id || either(`${kind}_ID`);
  if (id === undefined || !UUID.test(id)) {
    throw new SallyportError(
      "USAGE",
      `The enroll method ${method} needs the id of the ${role}: add --${role}-id, as "sallyport ${role} deploy-command" prints it.`,
    );
  }
  return { method, id, tokenPath: flags.tokenPath || either(TOKEN_PATH) };
}

/** A copy of the conf that says so, without the credentials of another method. */
export function withMachineLogin(
  previous: ReadonlyMap<string, string>,
  role: "gateway" | "relay",
  { method, id, tokenPath }: MachineLogin,
): Map<string, string> {
  const conf = new Map(previous);
  const kind = role.toUpperCase();
  for (const name of ["ENROLL_METHOD", "ID", "ACCESS_TOKEN", "ENROLLMENT_TOKEN"]) {
    for (const product of ["SALLYPORT", "INFISICAL"]) conf.delete(`${product}_${kind}_${name}`);
  }
  conf.set(`INFISICAL_${kind}_ENROLL_METHOD`, method);
  conf.set(`INFISICAL_${kind}_ID`, id);
  if (tokenPath !== undefined) conf.set(`SALLYPORT_${TOKEN_PATH}`, tokenPath);
  return conf;
}

/** Keeps a conf with the login for the next start, where it can be written: in a container not. */
export async function keepMachineLogin(
  kept: { path: string; before: ReadonlyMap<string, string>; conf: ReadonlyMap<string, string> },
  log: Logger,
): Promise<void> {
  const { path, before, conf } = kept;
  if (isSameConf(before, conf)) return;
  try {
    await writeConf(path, conf);
  } catch (error) {
    log.info("The conf can't be kept: the next start needs the same flags", { reason: describe(error) });
  }
}

/**
 * What such a login is proved with, made anew for each one.
 * @throws SallyportError CONFIG_INVALID when this machine has nothing to prove itself with; PLATFORM_UNREACHABLE,
 * PLATFORM_CHANGED
 */
export async function prove(
  { method, id, tokenPath }: MachineLogin,
  platform: Pick<PlatformClient, "platformId">,
  pin: Pick<PlatformPin, "require">,
  env: Environment,
): Promise<MachineProof> {
  if (method === "kubernetes") return await readServiceAccountToken(tokenPath);
  const platformId = await platform.platformId();
  await pin.require(platformId);
  return await signAwsLogin({ platformId, id }, env);
}

import type { Surroundings } from "../../client/diagnose/context.ts";
import { systemClock } from "../../host/clock.ts";
import { runtimeDirectory, stateDirectory, thisMachine } from "../../host/paths.ts";
import { readRelayDirectory } from "../../pki/directory.ts";
import type { RelayIdentity } from "../../pki/identity.ts";
import { machineLogin } from "../../platform-client/login/machine-login.ts";
import { profilePath, readProfile } from "../../platform-client/profile.ts";
import { lookFromRelay } from "../../relay/diagnose/relay.ts";
import { storedAccessToken } from "../../relay/enrolment.ts";
import { instanceSecret } from "../../relay/instance-secret.ts";
import { type KnownRelay, knownRelay, platformOf } from "../../relay/known-relay.ts";
import { keptMachineToken } from "../../relay/machine-login.ts";
import { readStored } from "../../relay/stored-credentials.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { silentLogger } from "../../telemetry/log.ts";
import { identityFlags } from "../relay/flags.ts";
import type { DoctorRequest, View } from "./view.ts";

const SSH_PORT = 2222;
const TLS_PORT = 8443;

/** A relay of a platform, on its own machine. @throws SallyportError NAME_INVALID, CONFIG_INVALID, FILE_UNREADABLE */
export async function relayView(name: string, { args }: DoctorRequest, around: Surroundings): Promise<View> {
  const machine = thisMachine(around.env);
  const profileDomain = (await readProfile(profilePath(around.env)))?.domain;
  const relay = await knownRelay({ name, flags: identityFlags(args), profileDomain, machine });
  const { settings, conf } = relay;
  const directory = stateDirectory("relay", name, machine);
  const runtime = runtimeDirectory("relay", name, machine);
  const { platform, shown } = await platformCalls(relay);
  const collectors = lookFromRelay(
    {
      credentials: () => kept(relay, directory),
      platform,
      stateDirectory: directory,
      runtimeDirectory: runtime,
      start: `sallyport relay start ${name}`,
      caFile: settings.caFile,
      listening: {
        host: nearby(settings.listen),
        sshPort: settings.sshPort ?? SSH_PORT,
        tlsPort: settings.tlsPort ?? TLS_PORT,
      },
    },
    around,
  );
  const daemon = { role: "relay" as const, name, conf, runtimeDirectory: runtime, secrets: [shown] };
  return { place: "relay", subject: name, collectors, daemon };
}

/** A relay with a directory of `ca issue relay`. */
export function relayDirectoryView(
  directory: string,
  { relayName: name, sshPort, tlsPort }: RelayIdentity,
  around: Surroundings,
): View {
  const runtime = runtimeDirectory("relay", name, thisMachine(around.env));
  const collectors = lookFromRelay(
    {
      credentials: () => readRelayDirectory(directory, around.now()),
      // A daemon reads its directory again when anything changes in it: that is not to be touched.
      stateDirectory: runtime,
      runtimeDirectory: runtime,
      start: `sallyport relay start --pki ${directory}`,
      listening: { host: "127.0.0.1", sshPort, tlsPort },
    },
    around,
  );
  const daemon = { role: "relay" as const, name, conf: new Map(), runtimeDirectory: runtime, secrets: [] };
  return { place: "relay", subject: name, collectors, daemon };
}

/** How the relay calls its platform, and the secret that it shows. @throws SallyportError CONFIG_INVALID */
async function platformCalls(relay: KnownRelay) {
  const { name, conf, settings } = relay;
  if (settings.type === "instance") {
    const shared = await instanceSecret(relay);
    if (shared === undefined) throw notEnrolled(name);
    const client = platformOf(relay);
    const heartbeat = (signal: AbortSignal) =>
      client.relayAgent.heartbeatInstance(shared, { name }, { signal });
    return { platform: { domain: client.domain, heartbeat }, shown: shared };
  }
  const { env } = relay.machine;
  const login = machineLogin({ role: "relay", flags: {}, conf, env });
  const token = login ? await keptMachineToken(relay, login) : await storedAccessToken(conf, env);
  if (token === undefined) throw notEnrolled(name);
  const client = platformOf(relay, () => token);
  const heartbeat = (signal: AbortSignal) => client.relayAgent.heartbeat(undefined, { signal });
  return { platform: { domain: client.domain, heartbeat }, shown: token };
}

function notEnrolled(name: string): SallyportError {
  return new SallyportError(
    "CONFIG_INVALID",
    `The relay ${name} is not enrolled on this machine: run "sallyport relay enroll ${name}" with a token of "sallyport relay deploy-command ${name}"`,
  );
}

async function kept({ name, settings }: KnownRelay, directory: string) {
  const wanted = { stateDirectory: directory, relayName: name, relayId: settings.relayId };
  const credentials = await readStored({ ...wanted, clock: systemClock, log: silentLogger });
  if (credentials) return credentials;
  const message = `There are no certificates in ${directory} that are valid now: look at the relay's log.`;
  throw new SallyportError("CERTIFICATE_REFUSED", message);
}

/** What listens everywhere listens on loopback too. */
function nearby(listen: string): string {
  if (listen === "0.0.0.0") return "127.0.0.1";
  return listen === "::" ? "::1" : listen;
}

import { relative } from "node:path";
import { VERSION } from "../../version.ts";
import { type Machine, runtimeDirectory, stateDirectory } from "../paths.ts";
import type { SecretFile, Service } from "./service.ts";
import { serviceName } from "./service-name.ts";
import { unitPath, unitValue, unitWord } from "./unit-text.ts";

/** Oldest systemd with LoadCredential, without which a secret would have to be readable by others. */
export const OLDEST_SYSTEMD = 247;
/** First systemd that makes the pauses between restarts longer. */
const GRADUAL_RESTARTS = 254;
/** Beyond the time to drain. */
const STOP_MARGIN_SECONDS = 15;
/** Where root finds a daemon's files is where the service has them. */
const ROOT: Machine = { env: {}, uid: 0, home: "/root" };

/** The unit file of a service, for a systemd of this version. */
export function systemdUnit(service: Service, systemdVersion: number): string {
  const { role, name, drainSeconds } = service;
  const capability = service.lowPorts ? "CAP_NET_BIND_SERVICE" : "";
  const credentials = credentialFiles(service).map(
    ({ id, path }) => `LoadCredential=${id}:${unitPath(path)}`,
  );
  return `# Written by "sallyport ${role} install ${name}", version ${VERSION}; the next install overwrites it.
# For changes of your own: systemctl edit ${serviceName(role, name)}

[Unit]
Description=Sallyport ${role} ${name}
Wants=network-online.target
After=network-online.target nss-lookup.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
${[`ExecStart=${commandLine(service)}`, ...environment(service)].join("\n")}

# Ready means: ${READY_WHEN[role]}. That may take as long as the network is away.
TimeoutStartSec=infinity
WatchdogSec=60s
Restart=always
${restarts(systemdVersion)}
# Exit code 2 is a wrong configuration: only a person can mend it.
RestartPreventExitStatus=2
# The first SIGTERM drains, a second would cut: only the daemon itself gets one.
KillMode=mixed
TimeoutStopSec=${Math.ceil(drainSeconds) + STOP_MARGIN_SECONDS}s

# A user that exists while the service runs; secrets reach it as credentials, never in arguments or environment.
DynamicUser=yes
${credentials.join("\n")}
StateDirectory=${relative("/var/lib", stateDirectory(role, name, ROOT))}
StateDirectoryMode=0700
RuntimeDirectory=${relative("/run", runtimeDirectory(role, name, ROOT))}
RuntimeDirectoryMode=0700
UMask=0077
# A core dump would hold private keys.
LimitCORE=0
LimitNOFILE=524288

# No MemoryDenyWriteExecute: it switches the JIT compiler off without a word, and everything is 24 times slower.
NoNewPrivileges=yes
CapabilityBoundingSet=${capability}
AmbientCapabilities=${capability}
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
LockPersonality=yes
RemoveIPC=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
# AF_NETLINK lists this machine's own addresses, which the target policy has to know.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

const READY_WHEN = { gateway: "the first tunnel is up", relay: "both ports listen" };

function commandLine({ executable, args, caFile }: Service): string {
  const words = [executable, ...args].map(unitWord);
  // systemd puts the directory in; the words above have their dollar signs doubled.
  if (caFile !== undefined) words.push("--ca-file", `\${CREDENTIALS_DIRECTORY}/ca.pem`);
  return words.join(" ");
}

function environment({ environment: variables }: Service): string[] {
  return Object.entries(variables).map(([key, value]) => `Environment=${unitValue(`${key}=${value}`)}`);
}

function restarts(systemdVersion: number): string {
  if (systemdVersion < GRADUAL_RESTARTS) return "RestartSec=5s";
  return "RestartSec=1s\nRestartSteps=6\nRestartMaxDelaySec=60s";
}

/** The files that systemd hands over under a name; a secret of the conf's has the name that `secret()` looks for. */
export function credentialFiles({ role, confPath, secretFiles, caFile }: Service): SecretFile[] {
  return [
    { id: `${role}.conf`, path: confPath },
    ...secretFiles,
    ...(caFile === undefined ? [] : [{ id: "ca.pem", path: caFile }]),
  ];
}

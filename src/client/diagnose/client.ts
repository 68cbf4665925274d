import type { ClientCredentials } from "../../pki/credentials.ts";
import { readClientDirectory } from "../../pki/directory.ts";
import { whoName } from "../../platform-client/calls/session.ts";
import type { PlatformClient } from "../../platform-client/client.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { readLeaf } from "../../tunnel/tls/own-identity.ts";
import { PlatformAccess, type Wanted } from "../platform-access.ts";
import { clockStep } from "./clock.ts";
import type { Surroundings } from "./context.ts";
import { lookAtPlatform, PLATFORM } from "./platform.ts";
import type { Collector } from "./step.ts";
import { lookAtTunnel } from "./tunnel.ts";

export interface ClientOfPlatform {
  /** Normalised. */
  domain: string;
  caFile?: string | undefined;
  /** @throws SallyportError UNAUTHENTICATED when nobody is logged in */
  session: () => Promise<PlatformClient>;
  wanted: Wanted;
}

/** Everything from a person's machine to the target, with certificates of the platform. */
export function lookFromClient(client: ClientOfPlatform, around: Surroundings): Collector[] {
  let session: PlatformClient | undefined;
  let credentials: ClientCredentials | undefined;
  const platform = lookAtPlatform(
    {
      domain: client.domain,
      caFile: client.caFile,
      async authenticate() {
        session = await client.session();
        const who = await session.session.who();
        return `${whoName(who)} of ${who.organisation.name}`;
      },
    },
    around,
  );
  const access: Collector = {
    steps: [
      {
        id: "access",
        title: "Access",
        needs: [PLATFORM.token],
        async run() {
          if (!session) throw new SallyportError("INTERNAL", "Nobody has logged in.");
          const admitted = await new PlatformAccess(session, client.wanted).current();
          credentials = admitted.credentials;
          return `certificates for the way through the relay ${admitted.relayName}`;
        },
      },
    ],
  };
  const tunnel = lookAtTunnel(
    {
      credentials: () => known(credentials),
      needs: ["access"],
      explainedBy: [PLATFORM.clock],
      caFile: client.caFile,
    },
    around,
  );
  return [platform, access, tunnel];
}

/** The same with a directory of `ca issue client`: no platform is asked. */
export function lookFromClientDirectory(directory: string, around: Surroundings): Collector[] {
  let credentials: ClientCredentials | undefined;
  const own: Collector = {
    steps: [
      {
        id: "access",
        title: "Directory",
        async run() {
          credentials = await readClientDirectory(directory, around.now());
          return directory;
        },
      },
      clockStep(() => ownLeaves(known(credentials)), ["access"], around.now),
    ],
  };
  const tunnel = lookAtTunnel(
    {
      credentials: () => known(credentials),
      needs: ["access"],
      explainedBy: [PLATFORM.clock],
    },
    around,
  );
  return [own, tunnel];
}

function ownLeaves({ relay, gateway }: ClientCredentials): { name: string; from: Date }[] {
  return [
    { name: "for the relay", from: readLeaf(relay.certificate).notBefore },
    { name: "for the gateway", from: readLeaf(gateway.certificate).notBefore },
  ];
}

function known(credentials: ClientCredentials | undefined): ClientCredentials {
  if (credentials) return credentials;
  throw new SallyportError("INTERNAL", "There are no certificates to look with.");
}

import type { Code } from "../../telemetry/codes.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { Surroundings } from "./context.ts";
import { lookAtPlatform, PLATFORM } from "./platform.ts";
import type { Collector } from "./step.ts";

/** What is known of a gateway or a relay on its own machine. */
export interface AgentLook {
  /** Absent with a directory of `ca issue`. */
  platform?: OwnPlatform | undefined;
  /** Where it writes. */
  stateDirectory: string;
  runtimeDirectory: string;
  /** The command that starts it. */
  start: string;
  /** PEM file of authorities besides the system's. */
  caFile?: string | undefined;
}

interface OwnPlatform {
  /** Normalised. */
  domain: string;
  /** Has the platform dial us. @throws SallyportError */
  heartbeat: (signal: AbortSignal) => Promise<void>;
}

interface Heartbeat {
  platform: OwnPlatform;
  caFile: string | undefined;
  /** As messages call us. */
  who: string;
  /** Whether a refusal of the heartbeat is about what the platform found, rather than about who asked. */
  isAboutProbe: (code: Code) => boolean;
  /** What the probe needs besides our token. */
  needs: string;
  /** What is said of a probe that went well. */
  reached: string;
}

/** The platform answers a heartbeat within 30 s (PROTOCOL 0.5). */
const HEARTBEAT_MS = 32_000;

/** One heartbeat says two things: whether the platform takes our token, and what it found when it looked for us. */
export function lookByHeartbeat(
  { platform, caFile, who, isAboutProbe, needs, reached }: Heartbeat,
  around: Surroundings,
): { way: Collector; probe: Collector } {
  const { domain, heartbeat } = platform;
  let found: SallyportError | undefined;
  const authenticate = async (signal: AbortSignal) => {
    try {
      await heartbeat(signal);
    } catch (error) {
      if (!(error instanceof SallyportError) || !isAboutProbe(error.code)) throw error;
      found = error;
    }
    return `the platform takes this ${who}'s token`;
  };
  return {
    way: lookAtPlatform({ domain, caFile, authenticate, authenticateMs: HEARTBEAT_MS }, around),
    probe: {
      steps: [
        {
          id: "probe",
          title: "Probe of the platform",
          needs: [PLATFORM.token, needs],
          async run() {
            if (found) throw found;
            return reached;
          },
        },
      ],
    },
  };
}

import { parseSshPublicKey } from "../../src/pki/ssh-keys.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import type { SshConnection } from "../../src/tunnel/ssh/connection.ts";
import { listenSsh, type SshListener } from "../../src/tunnel/ssh/listen.ts";
import { WindowBudget } from "../../src/tunnel/ssh/window.ts";
import type { TestPki } from "./test-pki.ts";

/** The SSH side of a relay that only collects sessions. */
export class StandInRelay {
  private constructor(
    private readonly listener: SshListener,
    readonly sessions: SshConnection[],
  ) {}

  /** @param place what its certificate says, when gateways reach it under another address than its own */
  static async open(
    pki: TestPki,
    name: string,
    place: { host?: string; sshPort?: number } = {},
  ): Promise<StandInRelay> {
    let ssh = (await pki.relay({ name, sshPort: 1 })).ssh;
    const sessions: SshConnection[] = [];
    const listener = await listenSsh({
      hostname: "127.0.0.1",
      port: 0,
      hostIdentities: () => [ssh.host],
      userAuthorities: () => ssh.userAuthorities.map(parseSshPublicKey),
      authorize: () => undefined,
      onSession: (session) => sessions.push(session),
      budget: new WindowBudget(),
      log: silentLogger,
    });
    ssh = (await pki.relay({ name, sshPort: listener.port, ...place })).ssh;
    return new StandInRelay(listener, sessions);
  }

  /** Sessions that are not over. */
  get live(): number {
    return this.listener.sessions.size;
  }

  get port(): number {
    return this.listener.port;
  }

  /** The nth session, once it is there. */
  async session(n: number): Promise<SshConnection> {
    for (let i = 0; i < 2000 && this.sessions.length < n; i++) await Bun.sleep(5);
    const session = this.sessions[n - 1];
    if (!session) throw new Error(`There was no session number ${n}`);
    return session;
  }

  close(): void {
    this.listener.close();
  }
}

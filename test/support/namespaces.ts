import { existsSync } from "node:fs";
import { mustRun } from "./processes.ts";

/** The two ends of a `Cable`: what they are called, and where they are. */
export interface Site {
  /** Of the network namespace; prefix a command with `ip netns exec <name>`. */
  readonly name: string;
  readonly address: string;
}

/**
 * Two machines of their own (network namespaces, root only) with a router between them, which can swallow everything
 * without a word. Each machine has an address in a network of its own.
 */
export class Cable {
  private constructor(
    private readonly router: string,
    readonly near: Site,
    readonly far: Site,
  ) {}

  static async lay(): Promise<Cable> {
    const id = `${process.pid}-${++count}`;
    const cable = new Cable(
      `sallyport-${id}-r`,
      { name: `sallyport-${id}-n`, address: "10.77.1.2" },
      { name: `sallyport-${id}-f`, address: "10.77.2.2" },
    );
    try {
      await removeLeftovers();
      await cable.#lay();
    } catch (error) {
      await cable.close();
      throw error;
    }
    return cable;
  }

  /** Swallows every packet, with no answer to anybody. */
  async cut(): Promise<void> {
    await this.#forward("0");
  }

  async mend(): Promise<void> {
    await this.#forward("1");
  }

  /** The near machine gets another address, as by DHCP; connections from the old one are dead without knowing it. */
  async readdress(address: string): Promise<void> {
    await ip("-n", this.near.name, "addr", "flush", "dev", DEVICE);
    await ip("-n", this.near.name, "addr", "add", `${address}/24`, "dev", DEVICE);
    await ip("-n", this.near.name, "route", "add", "default", "via", "10.77.1.1");
  }

  /** The near machine may use every address of this range, as a crowd of machines would. */
  async addNearAddresses(range: string): Promise<void> {
    await ip("-n", this.near.name, "route", "add", "local", range, "dev", "lo");
    await ip("-n", this.router, "route", "add", range, "via", this.near.address);
  }

  async close(): Promise<void> {
    for (const name of [this.near.name, this.far.name, this.router]) {
      await ip("netns", "del", name).catch(() => undefined);
    }
  }

  async #lay(): Promise<void> {
    const ends = [
      { site: this.near, gate: "10.77.1.1", port: "near" },
      { site: this.far, gate: "10.77.2.1", port: "far" },
    ];
    await ip("netns", "add", this.router);
    for (const { site, gate, port } of ends) await connect(site, { router: this.router, gate, port });
    await this.mend();
  }

  #forward(on: "0" | "1"): Promise<string> {
    return mustRun(["ip", "netns", "exec", this.router, "sysctl", "-qw", `net.ipv4.ip_forward=${on}`]);
  }
}

/**
 * Machines of their own (network namespaces, root only) around one router. What goes between any two of them can be
 * swallowed without a word, while both still reach the others.
 */
export class Star {
  private constructor(
    private readonly router: string,
    readonly sites: Site[],
  ) {}

  static async lay(machines: number): Promise<Star> {
    const id = `${process.pid}-${++count}`;
    const sites = Array.from({ length: machines }, (_, i) => ({
      name: `sallyport-${id}-${i + 1}`,
      address: `10.78.${i + 1}.2`,
    }));
    const star = new Star(`sallyport-${id}-r`, sites);
    try {
      await removeLeftovers();
      await star.#lay();
    } catch (error) {
      await star.close();
      throw error;
    }
    return star;
  }

  async cut(a: Site, b: Site): Promise<void> {
    await this.#swallow("add", a, b);
  }

  async mend(a: Site, b: Site): Promise<void> {
    await this.#swallow("del", a, b);
  }

  async close(): Promise<void> {
    for (const name of [...this.sites.map((site) => site.name), this.router]) {
      await ip("netns", "del", name).catch(() => undefined);
    }
  }

  async #swallow(verb: "add" | "del", a: Site, b: Site): Promise<void> {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      await ip("-n", this.router, "rule", verb, "from", from.address, "to", to.address, "blackhole");
    }
  }

  async #lay(): Promise<void> {
    await ip("netns", "add", this.router);
    for (const [i, site] of this.sites.entries()) {
      const gate = site.address.replace(/2$/, "1");
      await connect(site, { router: this.router, gate, port: `port${i + 1}` });
    }
    await mustRun(["ip", "netns", "exec", this.router, "sysctl", "-qw", "net.ipv4.ip_forward=1"]);
  }
}

/** A new machine with a cable to the router. */
async function connect(
  site: Site,
  { router, gate, port }: { router: string; gate: string; port: string },
): Promise<void> {
  await ip("netns", "add", site.name);
  const peer = ["peer", "name", port, "netns", router];
  await ip("link", "add", DEVICE, "netns", site.name, "type", "veth", ...peer);
  await ip("-n", site.name, "addr", "add", `${site.address}/24`, "dev", DEVICE);
  await ip("-n", router, "addr", "add", `${gate}/24`, "dev", port);
  await ip("-n", router, "link", "set", port, "up");
  for (const device of ["lo", DEVICE]) await ip("-n", site.name, "link", "set", device, "up");
  await ip("-n", site.name, "route", "add", "default", "via", gate);
}

/** What every machine calls its network card. */
const DEVICE = "eth0";
let count = 0;

/** Those of a run that was killed. */
async function removeLeftovers(): Promise<void> {
  for (const line of (await ip("netns", "list")).split("\n")) {
    const [name, pid] = /^sallyport-(\d+)-\S+/.exec(line) ?? [];
    if (name !== undefined && !existsSync(`/proc/${pid}`)) await ip("netns", "del", name);
  }
}

function ip(...args: string[]): Promise<string> {
  return mustRun(["ip", ...args]);
}

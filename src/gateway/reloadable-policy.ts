import type { Decision, TargetPolicy } from "./target-policy.ts";

/** A policy whose rules can be read again. Connections that are open stay: rules are asked at every open. */
export class ReloadablePolicy implements TargetPolicy {
  private constructor(
    private present: TargetPolicy,
    private readonly read: () => Promise<TargetPolicy>,
  ) {}

  /** @throws SallyportError what `read` throws */
  static async open(read: () => Promise<TargetPolicy>): Promise<ReloadablePolicy> {
    return new ReloadablePolicy(await read(), read);
  }

  decide(host: string, port: number, address: string): Decision {
    return this.present.decide(host, port, address);
  }

  /** @throws SallyportError what `read` throws; then the present rules stay */
  async reload(): Promise<void> {
    this.present = await this.read();
  }
}

import type { z } from "zod";
import {
  type Finished,
  type ProductOptions,
  type RunningProcess,
  runProduct,
  startProduct,
} from "./processes.ts";
import type { Workspace } from "./workspace.ts";

interface Typed {
  input?: string;
  /** 0 unless told. */
  exitCode?: number;
}

/** Somebody at a machine of their own, who types the product's commands. */
export class Terminal {
  readonly #workspace: Workspace;
  readonly #place: ProductOptions;

  private constructor(workspace: Workspace, place: ProductOptions) {
    this.#workspace = workspace;
    this.#place = place;
  }

  static async open(
    workspace: Workspace,
    name: string,
    o: Omit<ProductOptions, "home"> = {},
  ): Promise<Terminal> {
    return new Terminal(workspace, { ...o, home: await workspace.directory(`home-${name}`) });
  }

  /** @throws when it ends otherwise than expected */
  async type(words: string[], { input, exitCode = 0 }: Typed = {}): Promise<Finished> {
    const place = { ...this.#place, deadlineMs: 60_000, ...(input !== undefined && { input }) };
    const finished = await runProduct(words, place);
    if (finished.exitCode === exitCode) return finished;
    throw new Error(
      `${words.join(" ")} exited with ${finished.exitCode}: ${finished.stderr}${finished.stdout}`,
    );
  }

  /** The same with `--json`. */
  async ask<S extends z.ZodType>(schema: S, words: string[], typed: Typed = {}): Promise<z.infer<S>> {
    return schema.parse(JSON.parse((await this.type([...words, "--json"], typed)).stdout));
  }

  /** Runs on, until the workspace closes. */
  start(words: string[]): RunningProcess {
    return this.#workspace.own(startProduct(words, this.#place));
  }
}

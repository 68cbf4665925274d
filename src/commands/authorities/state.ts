import type { AuthoritiesState, AuthorityOwner } from "../../platform-client/calls/authorities.ts";
import { printJson, printLine } from "../output.ts";
import { sessionArgs } from "../session.ts";

/** Flags of every verb. */
export const authorityArgs = {
  ...sessionArgs,
  instance: {
    type: "boolean",
    description: "The instance's, which those of every organisation are under (instance administrators)",
  },
  json: { type: "boolean", description: "Print JSON" },
} as const;

export function ownerOf(args: { instance?: boolean | undefined }): AuthorityOwner {
  return args.instance ? "instance" : "organisation";
}

/** How far they are, and what happens next. */
export function printState(state: AuthoritiesState, json: boolean): void {
  if (json) return printJson(state);
  const { generation, rotation } = state;
  printLine(`Generation  ${generation}`);
  if (!rotation) return printLine("Rotation    none");
  printLine(`Rotation    ${PHASES[rotation.phase] ?? rotation.phase}, since ${rotation.since}`);
  printLine(`Next phase  ${NEXT[rotation.phase] ?? "comes"}, ${rotation.nextPhaseAt} at the latest`);
  for (const { kind, name } of rotation.waitingFor) {
    printLine(`Waits for   the ${kind} ${name}, which has not fetched them yet`);
  }
}

const PHASES: Record<string, string> = {
  distributing: "new authorities are handed out, the old ones issue",
  retiring: "the new authorities issue, the old ones are still trusted",
};
const NEXT: Record<string, string> = {
  distributing: "the new ones issue as soon as all who are connected trust them",
  retiring: "the old ones are not trusted any more",
};

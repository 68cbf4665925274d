import type { TestPlatform } from "../platform.ts";
import { type FuzzedRoute, readDescription } from "./description.ts";
import { Dice } from "./dice.ts";
import { type FuzzRequest, judge } from "./judge.ts";
import { RequestMaker } from "./requests.ts";
import type { FuzzScene } from "./scene.ts";

export interface FuzzReport {
  requests: number;
  /** How often each status came. */
  statuses: Map<number, number>;
  /** Routes that did what they are for at least once. */
  served: Set<string>;
  /** What was wrong, with what it takes to see it again. */
  faults: string[];
}

interface FuzzOptions {
  scene: FuzzScene;
  seed: number;
  /** When to stop, however much is left. */
  milliseconds: number;
}

/** More than this say nothing new. */
const MOST_FAULTS = 20;
/** Requests on their way at once. */
const AT_ONCE = 6;
/** What one caller asks at once and then in a second: below what the platform lets it, else 429 would be all it hears. */
const CALLER_BURST = 5000;
const CALLER_PER_SECOND = 150;

/** Sends requests made from the API's own description, and judges every answer. */
export async function fuzzApi(platform: TestPlatform, options: FuzzOptions): Promise<FuzzReport> {
  const { scene, seed, milliseconds } = options;
  const { routes, resolve } = readDescription(platform.api.describe());
  const dice = new Dice(seed);
  const maker = new RequestMaker(scene, dice, resolve);
  const report: FuzzReport = { requests: 0, statuses: new Map(), served: new Set(), faults: [] };
  const deadline = Date.now() + milliseconds;
  const requests = endless(routes, scene, dice, maker);
  const turn = keepPace();
  const send = async () => {
    while (Date.now() < deadline && report.faults.length < MOST_FAULTS) {
      const { value: request } = requests.next();
      if (!request) continue;
      await turn(request.actor);
      await ask(platform, request, { dice, scene, report });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, send));
  return report;
}

/** Waits until an actor may ask again. */
function keepPace(): (actor: string) => Promise<void> {
  const started = performance.now();
  const turns = new Map<string, number>();
  return async (actor) => {
    const taken = (turns.get(actor) ?? 0) + 1;
    turns.set(actor, taken);
    const milliseconds = ((taken - CALLER_BURST) / CALLER_PER_SECOND) * 1000 - (performance.now() - started);
    if (milliseconds > 0) await Bun.sleep(milliseconds);
  };
}

/** What is there to reach into other organisations is not asked: it rightly leaves their names in the caller's audit log. */
const ACROSS: ReadonlySet<string> = new Set([
  "instance administrator: post /api/v1/members/{idOrEmail}/password-reset",
]);

/** Every route with everything wrong with it by the one who may call it and by one other; then all again, otherwise. */
function* endless(
  routes: FuzzedRoute[],
  scene: FuzzScene,
  dice: Dice,
  maker: RequestMaker,
): Generator<FuzzRequest, undefined> {
  const everybody = [...scene.actors.keys()];
  const callers = ({ method, path }: FuzzedRoute) =>
    everybody.filter((actor) => !ACROSS.has(`${actor}: ${method.toLowerCase()} ${path}`));
  for (;;) {
    for (const route of dice.shuffled(routes)) {
      for (const actor of callers(route)) yield maker.right(route, actor);
    }
    for (const route of dice.shuffled(routes)) {
      yield* maker.wrong(route, callerOf(route));
      if (dice.chance(0.3)) yield* maker.wrong(route, dice.of(callers(route)));
    }
  }
}

/** Who gets furthest with a route. */
function callerOf({ access }: FuzzedRoute): string {
  if (access.includes("person")) return "administrator";
  const [kind = "nobody"] = access;
  return kind === "anyone" ? "nobody" : kind;
}

async function ask(
  platform: TestPlatform,
  request: FuzzRequest,
  { dice, scene, report }: { dice: Dice; scene: FuzzScene; report: FuzzReport },
): Promise<void> {
  const { method, path, headers, body } = request;
  const asked = performance.now();
  const sent = new Request(`http://platform.test${path}`, { method, headers, ...(body && { body }) });
  const response = await platform.api.fetch(sent, `198.51.100.${dice.below(250)}`);
  const text = await answerText(response);
  const milliseconds = Math.round(performance.now() - asked);
  report.requests++;
  report.statuses.set(response.status, (report.statuses.get(response.status) ?? 0) + 1);
  if (response.status < 300) report.served.add(request.route);
  const fault = judge(request, response, { text, milliseconds }, scene);
  if (fault === undefined) return;
  const shown = body ? new TextDecoder().decode(body).slice(0, 400) : "";
  report.faults.push(
    `${request.actor}: ${method} ${path.slice(0, 300)} ${headers["content-type"] ?? ""} ${shown}\n  got ${fault}: ${text.slice(0, 400)}`,
  );
}

/** Events never end by themselves. */
async function answerText(response: Response): Promise<string> {
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return await response.text();
  const reader = response.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  return new TextDecoder().decode(first?.value);
}

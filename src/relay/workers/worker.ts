import { matchAddresses } from "../../host/address-ranges.ts";
import { systemClock } from "../../host/clock.ts";
import { watchDescriptors } from "../../host/descriptor-watch.ts";
import { EndedSerials } from "../../pki/ended-serials.ts";
import { asSallyportError, describe, SallyportError } from "../../telemetry/error.ts";
import { EventLoopLag } from "../../telemetry/event-loop.ts";
import { createInstruments } from "../../telemetry/instruments.ts";
import { createLogger } from "../../telemetry/log.ts";
import { partSchema } from "../../telemetry/parts.ts";
import { pump } from "../../tunnel/pump.ts";
import type { ByteStream } from "../../tunnel/stream.ts";
import { RelayAdmission } from "../admission.ts";
import { openFront } from "../front.ts";
import { isGatewayId } from "../identity.ts";
import { DEFAULT_RELAY_LIMITS } from "../limits.ts";
import type { OuterConnection } from "../serve-client.ts";
import { received } from "./credentials-message.ts";
import { dialHandOver, listenForHandOvers } from "./hand-over.ts";
import { type FromWorker, type StartMessage, type ToWorker, toWorkerSchema } from "./messages.ts";
import { MirroredAdmission } from "./mirrored-admission.ts";
import { WorkerPlaces } from "./worker-places.ts";

type Send = (message: FromWorker) => void;

const ALIVE_MS = 1_000;
const NEWEST = 100;

/**
 * One of several processes of a relay: it holds connections, and asks its supervisor about everything that has to be
 * decided once for all of them. Runs until the supervisor says so or is gone.
 * @throws SallyportError USAGE when nobody is at the other end
 */
export async function runRelayWorker(): Promise<void> {
  if (!process.send || !process.connected) {
    throw new SallyportError("USAGE", "A worker is started by the relay itself: use relay start --workers.");
  }
  // The supervisor gets these as well, and says what follows from them.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
  const send: Send = (message) => {
    if (process.connected) process.send?.(message);
  };
  const over = Promise.withResolvers<void>();
  let worker: Worker | undefined;
  process.on("disconnect", () => over.resolve());
  process.on("message", (raw) => {
    const message = toWorkerSchema.parse(raw);
    if (message.type === "start") {
      startWorker(message, send).then(
        (started) => {
          worker = started;
          send({ type: "ready" });
        },
        (error: unknown) => {
          const { code, message } = asSallyportError(error, "INTERNAL", "The worker can't start");
          send({ type: "failed", code, message });
          over.resolve();
        },
      );
    } else if (message.type === "close") {
      over.resolve();
    } else {
      worker?.receive(message);
    }
  });
  await over.promise;
  await worker?.close();
}

interface Worker {
  receive(message: ToWorker): void;
  close(): Promise<void>;
}

async function startWorker(start: StartMessage, send: Send): Promise<Worker> {
  const root = createLogger({ format: start.logFormat, level: start.logLevel });
  const log = root.child({ worker: start.number });
  const instruments = createInstruments(undefined, `w${start.number}`);
  const lag = new EventLoopLag();
  lag.measureInto(instruments.metrics);
  const shortage = watchDescriptors({ log });
  const limits = { ...DEFAULT_RELAY_LIMITS, ...start.limits };
  const endedSerials = new EndedSerials();
  endedSerials.add(start.endedSerials);
  let credentials = received(start.credentials);

  const places = new WorkerPlaces(send);
  const questions = new Questions(send);
  // Penalties are the supervisor's: it sees the failures of all workers.
  const rule = { ...limits, penaltyMs: 0 };
  const own = new RelayAdmission({ limits: rule, exempt: matchAddresses(start.exempt) });
  const admission = new MirroredAdmission(own, send);

  const front = await openFront({
    listen: { ...start.listen, shared: true },
    credentials: () => credentials,
    identity: () => ({
      relayName: credentials.relayName,
      revocations: credentials.revocations,
      endedSerials,
    }),
    ...{ places, routes: places, admission, limits, instruments, log, clock: systemClock },
    async serve(client, here) {
      const socket = await elsewhere(client, places, questions);
      if (socket === undefined) return here(client);
      let handedOver: ByteStream;
      try {
        handedOver = await dialHandOver(socket, client);
      } catch (error) {
        // Here the client is told that its gateway is not connected, unless it is by now.
        log.warn("A client could not be handed over", { reason: describe(error) });
        return here(client);
      }
      await pump(client.stream, handedOver);
    },
  });
  front.enter(start.phase);
  const handOvers = listenForHandOvers(start.socket, (client) => front.take(client), log);
  const alive = setInterval(() => {
    send({ type: "alive", windowUsed: front.windowBudget.used, tunnels: places.changedTunnels() });
  }, ALIVE_MS);

  const report = async (question: number) => {
    const { connections, metrics } = instruments;
    const part = partSchema.parse({
      metrics: await metrics.values(),
      connections: { ...connections.totals(), newest: connections.list(NEWEST) },
      memoryBytes: process.memoryUsage.rss(),
      eventLoopLagMs: lag.worst,
    });
    send({ type: "reported", question, part });
  };

  return {
    receive(message) {
      switch (message.type) {
        case "credentials":
          credentials = received(message.credentials);
          return front.reload();
        case "phase":
          return front.enter(message.phase);
        case "log level":
          root.level = message.level;
          return;
        case "cut clients":
          endedSerials.add(message.serials);
          return front.cutClients(new Set(message.serials));
        case "claimed":
          return places.claimed(message.session, message.refusal);
        case "advise":
        case "retire":
        case "cut":
          return places.obey(message);
        case "drop":
          return admission.drop(message.ticket);
        case "located":
          return questions.answered(message);
        case "report":
          return void report(message.question);
      }
    },
    async close() {
      clearInterval(alive);
      lag.close();
      shortage.close();
      handOvers.close();
      places.cutAll();
      await front.close();
    },
  };
}

/** The socket of the worker that serves a client's gateway, if that is another one. */
async function elsewhere(
  { peer }: OuterConnection,
  places: WorkerPlaces,
  questions: Questions,
): Promise<string | undefined> {
  const gatewayId = peer.commonName;
  if (!isGatewayId(gatewayId) || places.find(gatewayId)) return undefined;
  const { socket, revoked } = await questions.locate(gatewayId);
  places.noteRevoked(gatewayId, revoked);
  return socket;
}

type Located = Extract<ToWorker, { type: "located" }>;

/** Where gateways are, that this worker does not hold: the supervisor is asked each time. */
class Questions {
  readonly #open = new Map<number, (answer: Located) => void>();
  #count = 0;

  constructor(private readonly send: Send) {}

  locate(gatewayId: string): Promise<Located> {
    const question = ++this.#count;
    this.send({ type: "locate", question, gatewayId });
    return new Promise((resolve) => this.#open.set(question, resolve));
  }

  answered(answer: Located): void {
    this.#open.get(answer.question)?.(answer);
    this.#open.delete(answer.question);
  }
}

import { benchmarkPrograms } from "../../../fetch/external-programs.mjs";
import { type ClientSettings, DEFAULT_SETTINGS } from "../clients/bench-client.ts";
import type { ClientKind, ClientRequest, ClientResponse } from "../clients/protocol.ts";
import type { Contestant, Effort, LatencyMs, Measurement } from "../harness/scenario.ts";
import type { BenchBroker, Traffic } from "./broker.ts";
import { type ClientHandle, ClientProcess } from "./client-process.ts";
import { JavaClientProcess, TUNED_JAVA } from "./java-client.ts";
import { hasKafka } from "./kafka.ts";
import { findKcat, KcatClient } from "./kcat-client.ts";

const MEGABYTE = 1024 * 1024;

/** A client as it appears in a row. */
export interface ClientUnderTest {
  readonly name: string;
  readonly kind: ClientKind | "java" | "java-tuned" | "kcat";
  readonly transport: "tcp" | "websocket";
  readonly settings?: Partial<ClientSettings>;
}

export const OTTLA_TCP: ClientUnderTest = { name: "ottla", kind: "ottla", transport: "tcp" };
export const OTTLA_WEBSOCKET: ClientUnderTest = { name: "ottla, WebSocket", kind: "ottla", transport: "websocket" };
export const KAFKAJS: ClientUnderTest = { name: "kafkajs", kind: "kafkajs", transport: "tcp" };
export const PLATFORMATIC: ClientUnderTest = { name: "@platformatic/kafka", kind: "platformatic", transport: "tcp" };
export const CONFLUENT: ClientUnderTest = {
  name: "@confluentinc/kafka-javascript",
  kind: "confluent",
  transport: "tcp",
};
export const JAVA: ClientUnderTest = { name: "Java client", kind: "java", transport: "tcp" };
export const JAVA_TUNED: ClientUnderTest = {
  name: "Java client, batch.size=256 KiB",
  kind: "java-tuned",
  transport: "tcp",
};
export const KCAT: ClientUnderTest = { name: "librdkafka (kcat)", kind: "kcat", transport: "tcp" };
/** No Kafka: what a request and its answer take at the least. For an `EchoServer`. */
export const BARE_ROUND_TRIP: ClientUnderTest = { name: "bare round trip", kind: "bare", transport: "tcp" };
/** Those for programs in JavaScript; of the last one, an add-on, a quick run has no time to say something. */
const JAVASCRIPT_CLIENTS = [OTTLA_TCP, OTTLA_WEBSOCKET, KAFKAJS, PLATFORMATIC, CONFLUENT] as const;

/** Those for programs in JavaScript that this machine has. */
export function javaScriptClients({ quick }: Effort): ClientUnderTest[] {
  return present(quick ? JAVASCRIPT_CLIENTS.filter((client) => client !== CONFLUENT) : JAVASCRIPT_CLIENTS);
}

/** A client in JavaScript that is several times slower than the others: it is given less to do, or it takes most of the time. */
export const isSlow = ({ kind }: ClientUnderTest): boolean =>
  kind === "kafkajs" || kind === "platformatic" || kind === "confluent";

/** Whether this machine has what the client needs. */
function isPresent({ kind }: ClientUnderTest): boolean {
  if (kind === "kcat") return findKcat() !== null;
  if (kind === "confluent") return benchmarkPrograms.confluentClient.find() !== null;
  return kind === "java" || kind === "java-tuned" ? hasKafka() : true;
}

/** Those that this machine has; the others are named. */
export function present(clients: readonly ClientUnderTest[]): ClientUnderTest[] {
  for (const { name } of clients.filter((client) => !isPresent(client))) console.error(`  SKIPPED: ${name} is absent`);
  return clients.filter(isPresent);
}

function startClient({ kind, transport, settings }: ClientUnderTest, { port }: BenchBroker): Promise<ClientHandle> {
  const bootstrap = `${transport === "tcp" ? "" : "ws://"}127.0.0.1:${port}`;
  const all = { ...DEFAULT_SETTINGS, ...settings };
  if (kind === "kcat") return Promise.resolve(new KcatClient(bootstrap, all));
  if (kind === "java") return JavaClientProcess.start(bootstrap, all, {});
  if (kind === "java-tuned") return JavaClientProcess.start(bootstrap, all, TUNED_JAVA);
  return ClientProcess.start(kind, bootstrap, all);
}

/** A client process for several rows: what it has compiled stays compiled. Whoever made it closes it. */
export class KeptClient {
  readonly #client: ClientUnderTest;
  readonly #broker: BenchBroker;
  #process: Promise<ClientHandle> | undefined;

  constructor(client: ClientUnderTest, broker: BenchBroker) {
    this.#client = client;
    this.#broker = broker;
  }

  /** Started when it is first asked for. */
  process(): Promise<ClientHandle> {
    this.#process ??= startClient(this.#client, this.#broker);
    return this.#process;
  }

  async close(): Promise<void> {
    await (await this.#process)?.close();
  }
}

export interface ContestantOptions {
  /** By default a process of its own, which ends with the row. */
  readonly kept?: KeptClient;
  /** The client's by default. */
  readonly name?: string;
  /** What to read from the answer; records a second by default. */
  readonly figure?: (response: ClientResponse) => number;
  /** The row's by default. */
  readonly recordBytes?: number;
  /** Whether the broker is to tell of requests and bytes. */
  readonly hasTraffic?: boolean;
}

/**
 * A contestant that asks a client process. `request` says what for, in full. The CPU time is that of client and broker
 * together, and of each: what the work costs.
 */
export function clientContestant(
  client: ClientUnderTest,
  broker: BenchBroker,
  request: (client: ClientUnderTest) => ClientRequest,
  { name = client.name, figure = recordsPerSecond, kept, recordBytes, hasTraffic = false }: ContestantOptions = {},
): Contestant {
  let process: ClientHandle | undefined;
  return {
    name,
    canDoLess: true,
    ...(recordBytes !== undefined && { recordBytes }),
    async prepare() {
      process = await (kept?.process() ?? startClient(client, broker));
    },
    async measure({ share = 1 }): Promise<Measurement> {
      const trafficBefore = hasTraffic ? await broker.traffic?.() : undefined;
      const brokerCpuBeforeMs = broker.cpuMs();
      const response = await process!.ask(partOf(request(client), share));
      const brokerCpuAfterMs = broker.cpuMs();
      const measurement = {
        figure: figure(response),
        ...latencyOf(response),
        ...(await brokerFigures(broker, trafficBefore)),
      };
      if (brokerCpuBeforeMs === undefined || brokerCpuAfterMs === undefined) return measurement;
      const brokerCpuMs = brokerCpuAfterMs - brokerCpuBeforeMs;
      const amount = response.records * 1000;
      return {
        ...measurement,
        perCpuSecond: amount / (response.cpuMs + brokerCpuMs),
        perClientCpuSecond: amount / response.cpuMs,
        perBrokerCpuSecond: amount / brokerCpuMs,
      };
    },
    async close() {
      if (kept === undefined) await process?.close();
      process = undefined;
    },
  };
}

/** What a broker says of itself when a repetition is over. */
export async function brokerFigures(broker: BenchBroker, before?: Traffic): Promise<Partial<Measurement>> {
  const residentBytes = broker.residentBytes();
  const brokerDelayP99Ms = await broker.eventLoopDelayP99Ms?.();
  const now = before === undefined ? undefined : await broker.traffic?.();
  return {
    ...(residentBytes !== undefined && { brokerMegabytes: residentBytes / MEGABYTE }),
    ...(brokerDelayP99Ms !== undefined && { brokerDelayP99Ms }),
    ...(before !== undefined &&
      now !== undefined && {
        brokerRequests: now.requests - before.requests,
        brokerMegabytesOut: (now.bytesOut - before.bytesOut) / 1e6,
      }),
  };
}

/** The same with a share of its records. */
function partOf(request: ClientRequest, share: number): ClientRequest {
  const part = (count: number) => Math.max(1, Math.round(count * share));
  switch (request.kind) {
    case "produceBatches":
      return { ...request, calls: part(request.calls) };
    case "producePaced":
    case "followPaced":
      return request; // they take their time, not their records
    default:
      return { ...request, records: part(request.records) };
  }
}

function recordsPerSecond({ records, elapsedMs }: ClientResponse): number {
  return (records * 1000) / elapsedMs;
}

export function latencyOf({ latenciesMs }: ClientResponse): { readonly latencyMs?: LatencyMs } {
  if (latenciesMs === undefined || latenciesMs.length === 0) return {};
  const sorted = Float64Array.from(latenciesMs).sort();
  const within = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return { latencyMs: { p50: within(0.5), p99: within(0.99), p999: within(0.999) } };
}

/** The median of an answer's latencies, in ms. */
export function medianLatency(response: ClientResponse): number {
  return latencyOf(response).latencyMs?.p50 ?? Number.NaN;
}

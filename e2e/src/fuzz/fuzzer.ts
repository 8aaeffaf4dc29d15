import {
  type ApiDefinition,
  apiVersionsApi,
  ByteReader,
  concatBytes,
  encodeRequest,
  responseHeader,
} from "@ottla/protocol";
import { apisByKey } from "@ottla/protocol/internal";
import { seeded } from "../harness/seeded.ts";
import type { Carrier } from "./carriers.ts";
import type { Seed } from "./corpus.ts";
import { mutated, mutatedBatch, sized } from "./mutate.ts";

/** What waits longer (a fetch, a join) is left waiting. */
const PATIENCE_MS = 250;
const CONNECTIONS = 16;
const SENTINEL_CORRELATION_ID = 0x7e57_7e57;
const SENTINEL = concatBytes(
  encodeRequest(apiVersionsApi, 0, { correlationId: SENTINEL_CORRELATION_ID, clientId: "sentinel" }, {} as never),
);

/** What came of the frames. */
export interface FuzzResult {
  sent: number;
  /** Kafka's answer came, and the connection went on. */
  answered: number;
  /** The broker closed the connection. */
  closed: number;
  /** Neither in the time that was given: it waits, or the frame is not whole. */
  pending: number;
  /** What must not be: each with the words that repeat it. */
  readonly faults: string[];
}

export interface FuzzOptions {
  readonly port: number;
  readonly carrier: Carrier;
  readonly corpus: readonly Seed[];
  /** How many mutations of each request are sent. */
  readonly rounds: number;
  /** After so long no more than `roundsMin` are sent: a slow machine does less. Endless by default. */
  readonly forMs?: number;
  readonly roundsMin?: number;
  readonly seed: number;
}

/**
 * Sends mutated requests, each on a connection of its own with an intact request behind it: which is answered too, or
 * the connection is closed.
 */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { port, carrier, corpus, rounds, forMs = Number.POSITIVE_INFINITY, roundsMin = rounds, seed } = options;
  const endsAtMs = performance.now() + forMs;
  const isOver = (index: number) =>
    index >= corpus.length * rounds || (index >= corpus.length * roundsMin && performance.now() > endsAtMs);
  const result: FuzzResult = { sent: 0, answered: 0, closed: 0, pending: 0, faults: [] };
  let next = 0;
  const worker = async () => {
    for (let index = next++; !isOver(index); index = next++) {
      const random = seeded(seed * 1_000_003 + index);
      const { api, version, frame, batchAt } = corpus[index % corpus.length]!;
      const other = corpus[Math.floor(random() * corpus.length)]!.frame;
      const isBatchMeant = batchAt !== null && random() < 0.7;
      const bytes = isBatchMeant ? mutatedBatch(frame, batchAt, random) : mutated(frame, random, other);
      const words = `${api.name} v${version}, seed ${seed}, index ${index}: ${Buffer.from(bytes).toString("hex")}`;
      result.sent++;
      try {
        await exchange(port, carrier, bytes, random, result, words);
      } catch (error) {
        result.faults.push(`${error} (${words})`);
      }
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return result;
}

async function exchange(
  port: number,
  carrier: Carrier,
  bytes: Uint8Array,
  random: () => number,
  result: FuzzResult,
  words: string,
): Promise<void> {
  const connection = await carrier.open(port);
  const all = concatBytes([sized(bytes, random), SENTINEL]);
  const cut = Math.floor(random() * all.length);
  connection.send(random() < 0.3 ? [all.subarray(0, cut), all.subarray(cut)] : [all]);
  const endsAtMs = performance.now() + PATIENCE_MS;
  const isSentinelAnswered = () =>
    connection.frames.some((frame) => correlationIdOf(frame) === SENTINEL_CORRELATION_ID);
  while (!connection.isClosed && !isSentinelAnswered() && performance.now() < endsAtMs) {
    await connection.changed(endsAtMs - performance.now());
  }
  if (isSentinelAnswered()) result.answered++;
  else if (connection.isClosed) result.closed++;
  else result.pending++;
  connection.destroy();
  for (const frame of connection.frames) {
    if (correlationIdOf(frame) === SENTINEL_CORRELATION_ID) continue;
    const fault = faultIn(frame, bytes);
    if (fault !== null) result.faults.push(`${fault} (${words})`);
  }
}

const correlationIdOf = (frame: Uint8Array) => new DataView(frame.buffer, frame.byteOffset).getInt32(0);

/** What is wrong with an answer to these bytes. */
export function faultIn(response: Uint8Array, request: Uint8Array): string | null {
  if (request.length < 8) return "an answer to less than a header";
  const view = new DataView(request.buffer, request.byteOffset);
  const [apiKey, version, correlationId] = [view.getInt16(0), view.getInt16(2), view.getInt32(4)];
  if (correlationIdOf(response) !== correlationId) return "an answer to something else";
  const api = apisByKey.get(apiKey);
  if (api === undefined) return `an answer to API ${apiKey}`;
  try {
    const body = decodeResponse(api, version, response);
    return hasUnknownServerError(body) ? "UNKNOWN_SERVER_ERROR" : null;
  } catch (error) {
    return `an answer that cannot be read: ${error}`;
  }
}

function decodeResponse(api: ApiDefinition, version: number, response: Uint8Array): unknown {
  const reader = new ByteReader(response);
  const { min, max } = api.validVersions;
  const isUnknownVersion = api.key === apiVersionsApi.key && (version < min || version > max);
  const answeredVersion = isUnknownVersion ? 0 : version; // as Kafka does
  responseHeader.decode(reader, api.responseHeaderVersion(answeredVersion));
  return api.response.decode(reader, answeredVersion);
}

/** Kafka's word for "something broke": a bug of the broker, whatever it was asked. */
function hasUnknownServerError(value: unknown): boolean {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return false;
  return Object.entries(value).some(([name, member]) =>
    /errorCode$/i.test(name) ? member === -1 : hasUnknownServerError(member),
  );
}

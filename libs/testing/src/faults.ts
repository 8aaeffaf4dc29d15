import {
  type ApiDefinition,
  ByteReader,
  decodeResponse,
  ErrorCode,
  type ErrorName,
  encodeResponse,
  type FetchResponse,
  fetchApi,
  type MetadataRequest,
  metadataApi,
  produceApi,
} from "@ottla/protocol";
import { apisByKey } from "@ottla/protocol/internal";
import type { Timers } from "@ottla/runtime";
import type { InboundRequest, RequestHandler } from "@ottla/transport";
import { errorResponse } from "./error-responses.ts";
import { type RequestedTopic, topicsOfRequest } from "./topics-of-request.ts";

/** Which requests a fault meets: those that all of this is true of. */
export interface FaultTarget {
  /** Kafka's name of the API, such as `"Produce"`. Default: any. */
  readonly api?: string;
  /** A topic that the request names. A fetch within a session names only what changes. Default: any. */
  readonly topic?: string;
  /** The client's id. Default: any. */
  readonly clientId?: string;
  /** How many requests it meets, the first ones. Default: all until it is removed. */
  readonly times?: number;
}

/**
 * What becomes of a request:
 * - `delayMs`: it is handled so much later, and what its connection sent after it
 * - `drop: "request"`: it is not handled, and its connection is closed
 * - `drop: "response"`: it is handled, but instead of the answer its connection is closed
 * - `error`: it is not handled, and answered with this error of Kafka's. `Metadata` is handled, and its answer has the error for
 *   each topic: without the brokers in it no client would go on. One that asks for no topics is not met
 */
export type Fault = FaultTarget &
  ({ readonly delayMs: number } | { readonly drop: "request" | "response" } | { readonly error: ErrorName });

/** What {@link TestBroker.pausePartition} holds back. */
export interface PauseOptions {
  /** Whether consumers wait: no answer that has its records leaves. Default true. */
  readonly reads?: boolean;
  /** Whether producers wait. Default true. */
  readonly writes?: boolean;
}

/** A fault that is in force. */
export interface InjectedFault {
  /** Requests that it has met so far. */
  readonly hits: number;
  /** Ends it. Requests that it delays go on being delayed. */
  remove(): void;
}

/** Faults of one broker. */
export interface Faults {
  /**
   * Puts a fault in force. Where several meet a request, the one that was injected first counts.
   * @throws RangeError for an API or an error that does not exist, and for a fault that says nothing to do
   */
  inject(fault: Fault): InjectedFault;
  /** Ends all faults. */
  clear(): void;
}

/** A request, with what its body names once somebody asks. */
class Seen {
  readonly inbound: InboundRequest;
  readonly api: ApiDefinition;
  readonly #nameOf: (topicId: string) => string | undefined;
  #body: unknown;

  constructor(inbound: InboundRequest, api: ApiDefinition, nameOf: (topicId: string) => string | undefined) {
    this.inbound = inbound;
    this.api = api;
    this.#nameOf = nameOf;
  }

  get body(): unknown {
    const { frame, bodyOffset, header } = this.inbound;
    this.#body ??= this.api.request.decode(new ByteReader(frame, bodyOffset), header.requestApiVersion);
    return this.#body;
  }

  get topics(): RequestedTopic[] {
    return topicsOfRequest(this.body, this.#nameOf);
  }
}

/** In front of every frame. */
const FRAME_LENGTH_BYTES = 4;

interface Rule {
  meets(seen: Seen): boolean;
  apply(seen: Seen, handler: RequestHandler): void | Promise<void>;
}

/** Stands between the connections of a broker and its handlers. */
export class FaultInjector implements Faults {
  readonly #rules = new Set<Rule>();
  readonly #timers: Timers;
  readonly #nameOf: (topicId: string) => string | undefined;

  constructor(timers: Timers, nameOf: (topicId: string) => string | undefined) {
    this.#timers = timers;
    this.#nameOf = nameOf;
  }

  inject(fault: Fault): InjectedFault {
    checkFault(fault);
    const { times = Number.POSITIVE_INFINITY } = fault;
    let hits = 0;
    const rule: Rule = {
      meets: (seen) => hits < times && isMet(fault, seen) && !("error" in fault && asksForNoTopics(seen)),
      apply: (seen, handler) => {
        hits++;
        return this.#apply(fault, seen, handler);
      },
    };
    this.#rules.add(rule);
    return {
      get hits() {
        return hits;
      },
      remove: () => void this.#rules.delete(rule),
    };
  }

  /** Holds back what is written to or read from a partition until the function that is returned is called. */
  hold(topic: string, partition: number, { reads = true, writes = true }: PauseOptions = {}): () => void {
    if (typeof topic !== "string" || !Number.isInteger(partition)) {
      throw new RangeError(`There is no partition ${partition} of ${topic} to hold back: name a topic and a number.`);
    }
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const writing: Rule = {
      meets: ({ api, topics }) =>
        writes &&
        api === produceApi &&
        topics.some(({ name, partitions }) => name === topic && partitions.includes(partition)),
      apply: ({ inbound }, handler) => released.then(() => handler(inbound)),
    };
    // A fetch within a session does not name what it reads: its answer does.
    const isAboutIt = (response: FetchResponse) =>
      response.responses.some(
        ({ topic: name, topicId, partitions }) =>
          (name || this.#nameOf(topicId)) === topic &&
          partitions.some(({ partitionIndex, records }) => partitionIndex === partition && (records?.length ?? 0) > 0),
      );
    const reading: Rule = {
      meets: ({ api }) => reads && api === fetchApi,
      apply: ({ inbound }, handler) => handler(answeredAfter(released, isAboutIt, inbound)),
    };
    const rules = [writing, reading];
    for (const rule of rules) this.#rules.add(rule);
    return () => {
      for (const rule of rules) this.#rules.delete(rule);
      release();
    };
  }

  clear(): void {
    this.#rules.clear();
  }

  /** A handler that suffers the faults. */
  around(handler: RequestHandler): RequestHandler {
    return (inbound) => {
      if (this.#rules.size === 0) return handler(inbound);
      const api = apisByKey.get(inbound.header.requestApiKey);
      if (api === undefined) return handler(inbound);
      const seen = new Seen(inbound, api, this.#nameOf);
      for (const rule of this.#rules) if (rule.meets(seen)) return rule.apply(seen, handler);
      return handler(inbound);
    };
  }

  #apply(fault: Fault, seen: Seen, handler: RequestHandler): void | Promise<void> {
    if ("delayMs" in fault) return this.#delayed(fault.delayMs, seen.inbound, handler);
    if ("error" in fault && seen.api === metadataApi)
      return handler(withoutTopics(seen.inbound, ErrorCode[fault.error]));
    if ("error" in fault) return fail(seen, fault.error);
    if (fault.drop === "response") return handler(withoutAnswer(seen.inbound));
    seen.inbound.connection.close("a fault of the test drops the request");
  }

  async #delayed(delayMs: number, inbound: InboundRequest, handler: RequestHandler): Promise<void> {
    await new Promise<void>((resolve) => void this.#timers.schedule(delayMs, resolve, { keepAlive: true }));
    return await handler(inbound);
  }
}

const FIELDS: readonly string[] = ["api", "topic", "clientId", "times", "delayMs", "drop", "error"];

/** What nothing would come of is most likely misspelt. @throws RangeError */
function checkFault(fault: Fault): void {
  if (typeof fault !== "object" || fault === null) throw new RangeError(`${fault} is no fault, which is an object.`);
  const unknown = Object.keys(fault).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) throw new RangeError(`A fault has no ${unknown}; it has ${FIELDS.join(", ")}.`);
  const { api, times = 1 } = fault;
  for (const name of ["topic", "clientId"] as const) {
    const given: unknown = fault[name];
    if (given !== undefined && typeof given !== "string")
      throw new RangeError(`${name} is ${given}; it must be a text.`);
  }
  if (api !== undefined && ![...apisByKey.values()].some(({ name }) => name === api)) {
    throw new RangeError(`Kafka has no API called "${api}"; they are called Produce, Fetch, OffsetCommit …`);
  }
  if (typeof times !== "number" || !(times >= 1))
    throw new RangeError(`times is ${times}; a fault meets 1 request or more.`);
  const effects = (["delayMs", "error", "drop"] as const).filter((name) => name in fault);
  if (effects.length > 1)
    throw new RangeError(`A fault does one thing, and was given ${effects.join(" and ")}: inject two.`);
  if ("delayMs" in fault) checkDelay(fault.delayMs);
  else if ("error" in fault) {
    // NONE is no error: clients would take an answer that has nothing in it for a success.
    if (!Object.hasOwn(ErrorCode, fault.error) || fault.error === "NONE")
      throw new RangeError(`Kafka has no error called "${fault.error}".`);
  } else if (fault.drop !== "request" && fault.drop !== "response") {
    throw new RangeError('A fault has delayMs, error, or drop: "request" or "response".');
  }
}

function checkDelay(delayMs: unknown): void {
  if (typeof delayMs === "number" && delayMs >= 0) return;
  throw new RangeError(`delayMs is ${delayMs}; it must be a number, 0 or more.`);
}

function isMet({ api, clientId, topic }: FaultTarget, seen: Seen): boolean {
  if (api !== undefined && seen.api.name !== api) return false;
  if (clientId !== undefined && seen.inbound.header.clientId !== clientId) return false;
  return topic === undefined || seen.topics.some(({ name }) => name === topic);
}

/** An answer about brokers alone has no place for an error. In v0 an empty list means all topics. */
function asksForNoTopics({ api, body, inbound }: Seen): boolean {
  return api === metadataApi && inbound.header.requestApiVersion > 0 && (body as MetadataRequest).topics?.length === 0;
}

function fail({ inbound, api, body }: Seen, error: ErrorName): void {
  const { requestApiVersion: version, correlationId } = inbound.header;
  const response = errorResponse(api, body, ErrorCode[error], version);
  if (response === null) inbound.connection.close(`${api.name} v${version} has no answer for the ${error} of the test`);
  else if (api.name === "Produce" && (body as { readonly acks: number }).acks === 0) inbound.respondNothing();
  else inbound.respond(encodeResponse(api, version, correlationId, response as never));
}

/** The same request for metadata, whose answer has the error for each topic: without its brokers no client would go on. */
function withoutTopics(inbound: InboundRequest, errorCode: number): InboundRequest {
  const { connection, header, frame, bodyOffset, receivedAtMs } = inbound;
  const { requestApiVersion: version, correlationId } = header;
  return {
    ...{ connection, header, frame, bodyOffset, receivedAtMs },
    releaseFrame: () => inbound.releaseFrame(),
    respond(chunks, onDone) {
      const response = decodeResponse(metadataApi, version, joined(chunks).subarray(FRAME_LENGTH_BYTES));
      const topics = response.topics.map((topic) => ({ ...topic, errorCode, partitions: [] }));
      inbound.respond(encodeResponse(metadataApi, version, correlationId, { ...response, topics }), onDone);
    },
    respondNothing: () => inbound.respondNothing(),
  };
}

/** The same fetch, whose answer waits where it has what is held back. */
function answeredAfter(
  released: Promise<void>,
  isHeld: (response: FetchResponse) => boolean,
  inbound: InboundRequest,
): InboundRequest {
  const { connection, header, frame, bodyOffset, receivedAtMs } = inbound;
  return {
    ...{ connection, header, frame, bodyOffset, receivedAtMs },
    releaseFrame: () => inbound.releaseFrame(),
    respond(chunks, onDone) {
      const response = decodeResponse(fetchApi, header.requestApiVersion, joined(chunks).subarray(FRAME_LENGTH_BYTES));
      if (isHeld(response)) void released.then(() => inbound.respond(chunks, onDone));
      else inbound.respond(chunks, onDone);
    },
    respondNothing: () => inbound.respondNothing(),
  };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return bytes;
}

/** The same request, whose answer never leaves. */
function withoutAnswer(inbound: InboundRequest): InboundRequest {
  const { connection, header, frame, bodyOffset, receivedAtMs } = inbound;
  const end = () => connection.close("a fault of the test drops the response");
  return {
    ...{ connection, header, frame, bodyOffset, receivedAtMs },
    releaseFrame: () => inbound.releaseFrame(),
    respond(_chunks, onDone) {
      onDone?.(false);
      end();
    },
    respondNothing: end,
  };
}

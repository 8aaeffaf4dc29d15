import type { RequestHeader } from "@ottla/protocol";
import type { TransportKind, WriteDone } from "../byte-channel.ts";
import type { FrameMemory } from "../frame-decoder.ts";

/** What a client is told to connect to; `url` for WebSocket. */
export interface AdvertisedAddress {
  readonly host: string;
  readonly port: number;
  readonly url?: string;
}

/** What has passed over a connection so far. */
export interface ConnectionTraffic {
  /** When it was opened, on the monotonic clock. */
  readonly openedAtMs: number;
  /** When bytes last came or an answer was given, on the monotonic clock. */
  readonly lastActiveMs: number;
  readonly requestsCount: number;
  /** Requests handed over and not yet answered. */
  readonly requestsInFlight: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Until when none of its requests is handed over, on the monotonic clock; in the past where it is not throttled. */
  readonly throttledUntilMs: number;
  /** Client id of the last request. */
  readonly clientId: string;
}

/** One client's connection as the broker's handlers see it. */
export interface ServerConnection {
  /** Unique within its server. */
  readonly id: number;
  readonly listenerName: string;
  readonly kind: TransportKind;
  readonly remoteAddress: string;
  /**
   * What this client is told to connect to (Metadata, FindCoordinator, DescribeCluster): the listener's advertised
   * address; without one, on WebSocket the Host header it came with, on TCP the local address it reached.
   */
  readonly advertised: AdvertisedAddress;
  /** From ApiVersions v3+ (KIP-511); empty until then. The ApiVersions handler sets both. */
  clientSoftwareName: string;
  clientSoftwareVersion: string;
  readonly traffic: ConnectionTraffic;
  /**
   * Hands over no further request for so long (KIP-219). What was handed over is answered meanwhile; a longer wait that has
   * begun stays.
   */
  throttle(delayMs: number): void;
  /** Aborted when the connection ends: whoever waits for this client stops waiting. */
  readonly signal: AbortSignal;
  /** Closes the connection after what was answered so far, with one log line that gives the reason. */
  close(reason: string): void;
  /**
   * Ends it at once, with such a line: what was not sent never leaves, and where it can be told the client is told that the
   * connection broke. So does a broker that dies.
   */
  reset(reason: string): void;
}

/** One request, framed and its header decoded. It is answered at most once, at any later time. */
export interface InboundRequest {
  readonly connection: ServerConnection;
  readonly header: RequestHeader;
  /** The whole frame without its size; the body starts at `bodyOffset`. Valid until {@link releaseFrame}. */
  readonly frame: Uint8Array;
  readonly bodyOffset: number;
  /** When the last byte of the request came, on the monotonic clock. */
  readonly receivedAtMs: number;
  /**
   * Sends a response frame (size prefix included). In request order, unless the client chose `kafka.unordered`.
   * The chunks must not change until `onDone`, which is called exactly once, also when the connection has ended.
   */
  respond(chunks: readonly Uint8Array[], onDone?: WriteDone): void;
  /** For acks=0: this request gets no response, and does not hold up the next one's. */
  respondNothing(): void;
  /**
   * Nobody will look at the frame or a part of it any more, unless he holds it otherwise: its memory may be used again. A
   * handler that does not call this leaves the memory to the garbage collector.
   */
  releaseFrame(): void;
}

/** The memory of requests that come in pieces. */
export interface RequestFrames {
  readonly gather: FrameMemory;
  /** Another one looks at these bytes, which may be a part of what was gathered. */
  hold(frame: Uint8Array): void;
  /** Nobody looks at a request's frame any more, unless he holds it otherwise. Called at most once for each. */
  release(frame: Uint8Array): void;
}

/**
 * Handles one request. Requests of one connection are handed over in the order they were sent; the next one is
 * handed over when the returned promise settles, so a handler returns once its request has *taken effect*
 * (at once where there is no promise) although its response may come later: a long-polling fetch holds up nobody.
 * A handler that throws or rejects closes the connection.
 */
export type RequestHandler = (request: InboundRequest) => void | Promise<void>;

/** Plain HTTP on the same port: `/health`, the page, later console and metrics. */
export interface HttpRequest {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: ReadonlyMap<string, string>;
  readonly remoteAddress: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text in pieces is written piece by piece, as the client takes it; other work has its turn in between. */
  readonly body?: string | Uint8Array | Iterable<string>;
}

export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

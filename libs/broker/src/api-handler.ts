import type { ApiDefinition, RequestOf, ResponseInput } from "@ottla/protocol";
import type { ServerConnection } from "@ottla/transport";

/** What a handler knows of a request besides its body. */
export interface RequestContext {
  readonly connection: ServerConnection;
  readonly apiVersion: number;
  readonly clientId: string;
  readonly receivedAtMs: number;
  /** Aborted when the client has gone: stop waiting for it. */
  readonly signal: AbortSignal;
  /** Once nobody looks at the bytes of the request any more, answered or not: the memory they came in may be used again. */
  releaseFrame(): void;
}

/**
 * What a handler gives back.
 * - a value: the request has taken effect and this is its answer;
 * - {@link Reply}: the same, with something to do once the answer has left;
 * - {@link NO_RESPONSE}: the request has taken effect and gets no answer (acks=0);
 * - a promise of one of those: the next request of this connection waits until it settles;
 * - {@link later}: the request has taken effect (or will when `effect` settles), the answer comes when it comes.
 */
export type HandlerResult<Response> = Answer<Response> | Promise<Answer<Response>> | Later<Response>;

/** An answer that is there. */
export type Answer<Response> = Response | Reply<Response> | typeof NO_RESPONSE;

/** The request gets no answer. */
export const NO_RESPONSE = Symbol("no response");

/** An answer whose bytes are borrowed until it has left. */
export class Reply<Response> {
  readonly response: Response;
  /** Called exactly once: when the answer has left, or never will. */
  readonly onDone: () => void;

  constructor(response: Response, onDone: () => void) {
    this.response = response;
    this.onDone = onDone;
  }
}

export class Later<Response> {
  readonly response: Promise<Answer<Response>>;
  readonly effect: Promise<void> | undefined;

  constructor(response: Promise<Answer<Response>>, effect?: Promise<void>) {
    this.response = response;
    this.effect = effect;
  }
}

/** The request has taken effect (once `effect` settles); its answer follows without holding up the next request. */
export function later<Response>(response: Promise<Answer<Response>>, effect?: Promise<void>): Later<Response> {
  return new Later(response, effect);
}

/** Which versions of an API are served. */
export interface ApiVersionRange {
  /** The lowest version that is served. */
  readonly minVersion: number;
  /** The highest version that is served. */
  readonly maxVersion: number;
  /** The lowest version that ApiVersions names, where it is another than the lowest served. */
  readonly advertisedMinVersion?: number;
  /** False for what brokers say among themselves. Default true. */
  readonly advertised?: boolean;
}

/** Which versions are served, and what becomes of requests that fail as a whole. */
export interface ApiHandlerOptions<Api> extends ApiVersionRange {
  /**
   * The answer to a request that failed with this error as a whole, as Kafka's `getErrorResponse`. Needed where the
   * response has no error code at its top; null closes the connection.
   */
  readonly errorResponse?: (
    request: RequestOf<Api>,
    error: WholeRequestError,
    version: number,
  ) => ResponseInput<Api> | null;
}

export interface WholeRequestError {
  /** Kafka's error code. */
  readonly errno: number;
  readonly message: string;
}

/** One API as this broker serves it. */
export interface ApiHandler<Api extends ApiDefinition = ApiDefinition> extends ApiHandlerOptions<Api> {
  readonly api: Api;
  /**
   * Serves one request. It may throw KafkaError (or reject with it) when the request fails as a whole; anything else
   * that it throws is a bug, answered with UNKNOWN_SERVER_ERROR and logged.
   */
  handle(request: RequestOf<Api>, context: RequestContext): HandlerResult<ResponseInput<Api>>;
}

/** A handler of whatever API, its types forgotten. */
export interface AnyApiHandler extends ApiVersionRange {
  readonly api: ApiDefinition;
  readonly errorResponse?: (request: never, error: WholeRequestError, version: number) => unknown;
  handle(request: never, context: RequestContext): HandlerResult<unknown>;
}

/** Declares the handler of an API. */
export function apiHandler<Api extends ApiDefinition>(
  api: Api,
  options: ApiHandlerOptions<Api>,
  handle: ApiHandler<Api>["handle"],
): ApiHandler<Api> {
  return { ...options, api, handle };
}

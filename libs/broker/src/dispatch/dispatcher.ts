import { apiVersionsApi, ByteReader, ErrorCode, encodeResponse, KafkaError } from "@ottla/protocol";
import type { Logger } from "@ottla/runtime";
import type { InboundRequest, RequestHandler, ServerConnection } from "@ottla/transport";
import { type Answer, Later, NO_RESPONSE, Reply, type RequestContext, type WholeRequestError } from "../api-handler.ts";
import type { ApiMetrics, RequestMetrics } from "../metrics/request-metrics.ts";
import type { ClientQuotas } from "../quotas/client-quotas.ts";
import { errorResponseOf, type UntypedHandler } from "./error-response.ts";
import type { HandlerRegistry } from "./handler-registry.ts";
import { Throttling } from "./throttling.ts";

class Context implements RequestContext {
  readonly connection: ServerConnection;
  readonly apiVersion: number;
  readonly clientId: string;
  readonly receivedAtMs: number;
  readonly #inbound: InboundRequest;

  constructor(inbound: InboundRequest) {
    const { connection, header, receivedAtMs } = inbound;
    this.#inbound = inbound;
    this.connection = connection;
    this.apiVersion = header.requestApiVersion;
    this.clientId = header.clientId ?? "";
    this.receivedAtMs = receivedAtMs;
  }

  get signal(): AbortSignal {
    return this.connection.signal;
  }

  releaseFrame(): void {
    this.#inbound.releaseFrame();
  }
}

/**
 * Hands requests to their handlers and their answers back.
 *
 * As in Kafka: an API or version that is not served, and a body that cannot be decoded, close the connection with one log
 * line; ApiVersions of an unknown version is answered in v0. A handler that fails unexpectedly costs its request, never
 * the process.
 */
export function createDispatcher(
  registry: HandlerRegistry,
  logger: Logger,
  metrics: RequestMetrics,
  quotas: ClientQuotas | null = null,
): RequestHandler {
  return (inbound) => {
    const handler = registry.get(inbound.header.requestApiKey) as UntypedHandler | undefined;
    const version = inbound.header.requestApiVersion;
    if (handler === undefined) {
      return inbound.connection.close(`API ${inbound.header.requestApiKey} is not served`);
    }
    if (version < handler.minVersion || version > handler.maxVersion) {
      return refuseVersion(inbound, handler);
    }
    return new Exchange(
      inbound,
      handler,
      logger,
      metrics,
      quotas?.areSet ? new Throttling(inbound, handler, quotas) : null,
    ).run();
  };
}

function refuseVersion(inbound: InboundRequest, { api, minVersion, maxVersion }: UntypedHandler): void {
  const { requestApiVersion, correlationId } = inbound.header;
  if (api.key !== apiVersionsApi.key) {
    inbound.connection.close(`${api.name} v${requestApiVersion} is not served, only v${minVersion} to v${maxVersion}`);
    return;
  }
  const body = {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: api.key, minVersion, maxVersion }],
  };
  inbound.respond(encodeResponse(apiVersionsApi, 0, correlationId, body));
}

/** One request and its answer. */
class Exchange {
  readonly #inbound: InboundRequest;
  readonly #handler: UntypedHandler;
  readonly #logger: Logger;
  readonly #metrics: RequestMetrics;
  readonly #apiMetrics: ApiMetrics;
  /** Null where no client has a quota. */
  readonly #throttling: Throttling | null;
  #request: unknown;

  constructor(
    inbound: InboundRequest,
    handler: UntypedHandler,
    logger: Logger,
    metrics: RequestMetrics,
    throttling: Throttling | null,
  ) {
    const { header, frame, receivedAtMs } = inbound;
    this.#inbound = inbound;
    this.#handler = handler;
    this.#logger = logger;
    this.#metrics = metrics;
    this.#throttling = throttling;
    this.#apiMetrics = metrics.begun(handler.api, header.requestApiVersion, frame.length, receivedAtMs);
  }

  run(): void | Promise<void> {
    if (!this.#decode()) return;
    try {
      const result = this.#handler.handle(this.#request, new Context(this.#inbound));
      this.#throttling?.handled(this.#request);
      if (result instanceof Promise) return this.#answerWhenSettled(result);
      if (!(result instanceof Later)) return this.#answer(result);
      void this.#answerWhenSettled(result.response);
      return result.effect;
    } catch (error) {
      this.#fail(error);
    }
  }

  #decode(): boolean {
    const { frame, bodyOffset, header, connection } = this.#inbound;
    const { api } = this.#handler;
    try {
      this.#request = api.request.decode(new ByteReader(frame, bodyOffset), header.requestApiVersion);
      return true;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      connection.close(`malformed ${api.name} request: ${error.message}`);
      return false;
    }
  }

  async #answerWhenSettled(pending: Promise<Answer<unknown>>): Promise<void> {
    try {
      this.#answer(await pending);
    } catch (error) {
      this.#fail(error);
    }
  }

  #answer(answer: Answer<unknown>): void {
    if (answer === NO_RESPONSE) this.#sendNothing();
    else if (answer instanceof Reply) this.#send(answer.response, answer.onDone);
    else this.#send(answer);
  }

  #send(response: unknown, onDone?: () => void): void {
    const { header } = this.#inbound;
    let chunks: Uint8Array[];
    try {
      const answer = this.#throttling?.answer(response) ?? response;
      chunks = encodeResponse(this.#handler.api, header.requestApiVersion, header.correlationId, answer);
    } catch (error) {
      onDone?.();
      throw new Error(`the response cannot be encoded: ${error}`, { cause: error });
    }
    this.#metrics.ended(this.#apiMetrics, this.#inbound.receivedAtMs, response);
    this.#inbound.respond(chunks, onDone);
  }

  #sendNothing(): void {
    this.#metrics.ended(this.#apiMetrics, this.#inbound.receivedAtMs);
    this.#inbound.respondNothing();
  }

  /** Never throws. Even an error may be impossible to answer: it names what the request named. */
  #fail(cause: unknown): void {
    const error = this.#explain(cause);
    try {
      const version = this.#inbound.header.requestApiVersion;
      const response = errorResponseOf(this.#handler, this.#request, error, version);
      if (response !== null) {
        this.#send(response);
        return;
      }
    } catch (unanswerable) {
      this.#explain(unanswerable);
    }
    this.#inbound.connection.close(`${this.#handler.api.name} failed: ${error.message}`);
  }

  /** Errors that are part of the protocol are the client's to see; any other is a bug of ours. */
  #explain(cause: unknown): WholeRequestError {
    if (cause instanceof KafkaError && cause.errno !== ErrorCode.UNKNOWN_SERVER_ERROR) return cause;
    const { header, connection } = this.#inbound;
    this.#logger.error(`${this.#handler.api.name} failed unexpectedly`, {
      err: cause,
      apiVersion: header.requestApiVersion,
      clientId: header.clientId,
      remote: connection.remoteAddress,
    });
    const message = KafkaError.fromCode(ErrorCode.UNKNOWN_SERVER_ERROR).message;
    return { errno: ErrorCode.UNKNOWN_SERVER_ERROR, message };
  }
}

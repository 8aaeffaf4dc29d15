import {
  type AnyMessage,
  type ApiDefinition,
  type ApiVersionsResponse,
  apiVersionsApi,
  correlationIdOf,
  ErrorCode,
  encodeRequest,
  KafkaError,
  type RequestInput,
  type ResponseOf,
  type VersionRange,
} from "@ottla/protocol";
import type { Runtime } from "@ottla/runtime";
import { formatAddress } from "../address.ts";
import type { BrokerAddress, ByteChannel, Connector, WriteDone } from "../byte-channel.ts";
import { Fifo } from "../fifo.ts";
import { FrameDecoder } from "../frame-decoder.ts";
import { UNORDERED_SUBPROTOCOL } from "../subprotocol.ts";
import { abortError, networkError, timeoutError } from "../transport-error.ts";
import { BrokerVersions, decodeApiVersions, fallbackVersion } from "./api-versions.ts";
import { DeadlineTimer } from "./deadline-timer.ts";
import { abortable } from "./delay.ts";
import { PendingRequest } from "./pending-request.ts";

type AnyApi = ApiDefinition<AnyMessage, AnyMessage>;

/** Kafka's defaults for the settings below that have one. */
export const CONNECTION_DEFAULTS = {
  connectionSetupTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  maxInFlightRequests: 100,
  maxResponseBytes: 1024 * 1024 * 1024,
  clientSoftwareName: "ottla",
  clientSoftwareVersion: "0.1.0",
} as const;

export interface BrokerConnectionOptions {
  readonly address: BrokerAddress;
  readonly connector: Connector;
  readonly runtime: Runtime;
  /** `client.id`: names the client in the broker's logs and quotas. */
  readonly clientId: string | null;
  /** `socket.connection.setup.timeout.ms`; 10 s by default. */
  readonly connectionSetupTimeoutMs?: number;
  /** `request.timeout.ms`, for requests that give none of their own; 30 s by default. */
  readonly requestTimeoutMs?: number;
  /** Requests that wait for answers at a time; further ones wait their turn. 100 by default, as in Kafka's clients. */
  readonly maxInFlightRequests?: number;
  /** Largest response that is accepted; 1 GiB by default. */
  readonly maxResponseBytes?: number;
  /** Name and version of the SDK, for the broker's metrics (KIP-511). */
  readonly clientSoftwareName?: string;
  readonly clientSoftwareVersion?: string;
  /** Highest versions to use, by API key, below those that both sides speak. */
  readonly maxVersions?: ReadonlyMap<number, number>;
  /** Runs after version negotiation and before any other request: the place of SASL. */
  readonly authenticate?: Authenticate;
  /** Gives up connecting. It has no effect on the open connection. */
  readonly signal?: AbortSignal;
}

/** What an authentication may do with the connection. It may keep it, to authenticate again later (KIP-368). */
export type AuthenticationExchange = Pick<BrokerConnection, "address" | "request" | "requestVersion" | "supports">;

/** Proves to the broker who we are, or rejects: the connection is then closed. */
export type Authenticate = (exchange: AuthenticationExchange) => Promise<void>;

export interface RequestOptions {
  /** Version of the request; the highest that both sides speak by default. */
  readonly version?: number;
  /** How long the answer may take; `requestTimeoutMs` of the connection by default. */
  readonly timeoutMs?: number;
  /** Gives up waiting: rejects with ABORTED. The request itself may take effect all the same. */
  readonly signal?: AbortSignal;
}

interface OutgoingRequest {
  readonly correlationId: number;
  readonly chunks: readonly Uint8Array[];
  /** Null for a request without a response. */
  readonly pending: PendingRequest | null;
  readonly onDone?: WriteDone;
}

/**
 * The client's side of one connection to one broker: requests out, each answer to its request.
 *
 * Requests leave in the order of the calls. Answers may come in any order. A request that is not answered in time
 * means that the connection is dead: everything in flight fails with a retriable error.
 */
export class BrokerConnection {
  readonly address: BrokerAddress;
  /** Resolves when the connection has ended, with what ended it; undefined for an orderly close. Never rejects. */
  readonly closed: Promise<Error | undefined>;
  private readonly options: BrokerConnectionOptions;
  private readonly channel: ByteChannel;
  private readonly decoder: FrameDecoder;
  private readonly deadlines: DeadlineTimer;
  private readonly requestTimeoutMs: number;
  private readonly maxInFlightRequests: number;
  private readonly inFlight = new Map<number, PendingRequest>();
  private readonly waiting = new Fifo<OutgoingRequest>();
  private abandoned = 0;
  private versions: BrokerVersions | null = null;
  private nextCorrelationId = 0;
  private state: "open" | "closing" | "closed" = "open";
  private closeError: KafkaError | null = null;
  private channelFull = false;
  private drainWaiters: (() => void)[] = [];
  private resolveClosed: (cause: Error | undefined) => void = () => {};
  private readonly onFrame = (frame: Uint8Array) => this.receive(frame);

  /**
   * Connects, negotiates versions and authenticates.
   * @throws KafkaError retriable when the broker cannot be reached or does not answer in time.
   */
  static async open(options: BrokerConnectionOptions): Promise<BrokerConnection> {
    const timeoutMs = options.connectionSetupTimeoutMs ?? CONNECTION_DEFAULTS.connectionSetupTimeoutMs;
    const channel = await options.connector.connect(options.address, { timeoutMs, signal: options.signal });
    const connection = new BrokerConnection(channel, options);
    try {
      connection.versions = await connection.negotiate(options.signal);
      if (options.authenticate) await abortable(options.authenticate(connection), options.signal);
      return connection;
    } catch (error) {
      connection.destroy(error instanceof Error ? error : undefined);
      throw error;
    }
  }

  private constructor(channel: ByteChannel, options: BrokerConnectionOptions) {
    this.address = options.address;
    this.options = options;
    this.channel = channel;
    this.requestTimeoutMs = options.requestTimeoutMs ?? CONNECTION_DEFAULTS.requestTimeoutMs;
    this.maxInFlightRequests = options.maxInFlightRequests ?? CONNECTION_DEFAULTS.maxInFlightRequests;
    this.decoder = new FrameDecoder({
      maxFrameBytes: options.maxResponseBytes ?? CONNECTION_DEFAULTS.maxResponseBytes,
    });
    this.deadlines = new DeadlineTimer(options.runtime, (nowMs) => this.checkDeadlines(nowMs));
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve;
    });
    channel.start({
      onData: (chunk) => this.onData(chunk),
      onDrain: () => this.onDrain(),
      onClose: (cause) => this.onClose(cause),
    });
  }

  /** Whether requests are accepted. */
  get isOpen(): boolean {
    return this.state === "open";
  }

  /** What the broker answered to ApiVersions: APIs, supported features, finalized features. */
  get apiVersions(): ApiVersionsResponse {
    return this.requireVersions().response;
  }

  /** Whether the broker may answer a later request first: a long poll then holds up nobody else on this connection. */
  get answersOutOfOrder(): boolean {
    return this.channel.subprotocol === UNORDERED_SUBPROTOCOL;
  }

  /** Requests that were sent and not yet answered. */
  get inFlightRequests(): number {
    return this.inFlight.size;
  }

  /** Bytes written and not yet taken by the platform. */
  get bufferedBytes(): number {
    return this.channel.bufferedBytes;
  }

  /** Resolves once the send buffer has room, at once where it has, and when the connection ends. */
  whenWritable(): Promise<void> {
    if (!this.channelFull || this.state === "closed") return Promise.resolve();
    return new Promise((resolve) => {
      this.drainWaiters.push(resolve);
    });
  }

  /** Versions that the broker serves of an API; undefined where it does not know the API. */
  brokerVersions(api: AnyApi): VersionRange | undefined {
    return this.requireVersions().rangeOf(api);
  }

  /** Whether both sides have a version of an API in common. */
  supports(api: AnyApi): boolean {
    return this.requireVersions().commonVersion(api) !== undefined;
  }

  /**
   * The highest version of an API that both sides speak.
   * @param maxVersion use none above this one
   * @throws KafkaError UNSUPPORTED_VERSION that names the API and both ranges.
   */
  requestVersion(api: AnyApi, maxVersion?: number): number {
    return this.requireVersions().requireVersion(api, formatAddress(this.address), maxVersion);
  }

  /**
   * Sends a request and resolves to its response. Large byte members of `body` are referenced until they are sent.
   * @throws KafkaError UNSUPPORTED_VERSION; REQUEST_TIMED_OUT (the connection is closed) and NETWORK_EXCEPTION, both
   * retriable; ABORTED. Error codes inside the response are the caller's to look at.
   */
  request<A extends AnyApi>(api: A, body: RequestInput<A>, options: RequestOptions = {}): Promise<ResponseOf<A>> {
    return this.exchange(api, body, options);
  }

  /**
   * Sends a request that is not answered (Produce with acks=0). Resolves when the platform has taken it.
   */
  requestWithoutResponse<A extends AnyApi>(
    api: A,
    body: RequestInput<A>,
    options: Pick<RequestOptions, "version"> = {},
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      this.requireOpen();
      const correlationId = this.takeCorrelationId();
      const chunks = this.encode(api, options.version ?? this.requestVersion(api), correlationId, body);
      const onDone = (written: boolean) => (written ? resolve() : reject(this.lostError()));
      this.send({ correlationId, chunks, pending: null, onDone });
    });
  }

  /**
   * Refuses new requests, waits for the answers to those in flight, then closes. Resolves when the connection has
   * ended, after `timeoutMs` at the latest (`request.timeout.ms` by default).
   */
  async close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    if (this.state === "open") {
      this.state = "closing";
      const timeoutMs = options.timeoutMs ?? this.requestTimeoutMs;
      const timer = this.options.runtime.timers.schedule(timeoutMs, () => this.destroy());
      void this.closed.then(() => timer.cancel());
      this.closeWhenIdle();
    }
    await this.closed;
  }

  /** Closes at once; what is in flight fails with a retriable error. */
  destroy(cause?: Error): void {
    if (this.state === "closed") return;
    this.fail(cause);
    this.channel.destroy(cause);
  }

  private async negotiate(signal: AbortSignal | undefined): Promise<BrokerVersions> {
    const body = {
      clientSoftwareName: this.options.clientSoftwareName ?? CONNECTION_DEFAULTS.clientSoftwareName,
      clientSoftwareVersion: this.options.clientSoftwareVersion ?? CONNECTION_DEFAULTS.clientSoftwareVersion,
    };
    let version: number | undefined = apiVersionsApi.validVersions.max;
    while (version !== undefined) {
      const asked: number = version;
      const response: ApiVersionsResponse = await this.exchange(apiVersionsApi, body, { version, signal }, (frame) =>
        decodeApiVersions(frame, asked),
      );
      if (response.errorCode === ErrorCode.NONE) return new BrokerVersions(response, this.options.maxVersions);
      if (response.errorCode !== ErrorCode.UNSUPPORTED_VERSION) throw this.refusal(response.errorCode);
      version = fallbackVersion(response, asked);
    }
    throw this.refusal(ErrorCode.UNSUPPORTED_VERSION);
  }

  private refusal(errorCode: number): KafkaError {
    return KafkaError.fromCode(errorCode, `The broker at ${formatAddress(this.address)} refused ApiVersions`);
  }

  private exchange<A extends AnyApi>(
    api: A,
    body: RequestInput<A>,
    { version, timeoutMs = this.requestTimeoutMs, signal }: RequestOptions,
    decode?: (frame: Uint8Array) => ResponseOf<A>,
  ): Promise<ResponseOf<A>> {
    return new Promise((resolve, reject) => {
      this.requireOpen();
      if (signal?.aborted) throw abortError(signal);
      const nowMs = this.options.runtime.clock.monotonicMs();
      const deadlineMs = nowMs + timeoutMs;
      const used = version ?? this.requestVersion(api);
      const pending = new PendingRequest({ api, version: used, timeoutMs, deadlineMs, resolve, reject, decode });
      const correlationId = this.takeCorrelationId();
      this.send({ correlationId, chunks: this.encode(api, used, correlationId, body), pending });
      this.deadlines.arm(deadlineMs, nowMs);
      if (signal !== undefined) pending.abandonOn(signal, () => this.abandon());
    });
  }

  private encode<A extends AnyApi>(
    api: A,
    version: number,
    correlationId: number,
    body: RequestInput<A>,
  ): Uint8Array[] {
    return encodeRequest(api, version, { correlationId, clientId: this.options.clientId }, body);
  }

  private send(request: OutgoingRequest): void {
    if (this.waiting.length > 0 || this.inFlight.size >= this.maxInFlightRequests) this.waiting.push(request);
    else this.sendNow(request);
  }

  private sendNow({ correlationId, chunks, pending, onDone }: OutgoingRequest): void {
    if (pending !== null) this.inFlight.set(correlationId, pending);
    if (!this.channel.write(chunks, onDone)) this.channelFull = true;
  }

  private takeCorrelationId(): number {
    const correlationId = this.nextCorrelationId;
    this.nextCorrelationId = (correlationId + 1) & 0x7fffffff;
    return correlationId;
  }

  private onData(chunk: Uint8Array): void {
    try {
      this.decoder.push(chunk, this.onFrame);
    } catch (error) {
      this.destroy(error instanceof Error ? error : undefined);
    }
  }

  private receive(frame: Uint8Array): void {
    if (this.state === "closed") return;
    const correlationId = correlationIdOf(frame);
    const pending = this.inFlight.get(correlationId);
    if (pending === undefined) {
      throw networkError(`${formatAddress(this.address)} answered request ${correlationId}, which is not in flight.`);
    }
    this.inFlight.delete(correlationId);
    if (pending.isAbandoned) this.abandoned--;
    pending.answer(frame);
    this.sendWaiting();
    if (this.state === "closing") this.closeWhenIdle();
  }

  private sendWaiting(): void {
    while (this.waiting.length > 0 && this.inFlight.size < this.maxInFlightRequests) {
      const next = this.waiting.shift()!;
      if (next.pending?.isAbandoned) this.abandoned--;
      else this.sendNow(next);
    }
  }

  private abandon(): void {
    this.abandoned++;
    if (this.state === "closing") this.closeWhenIdle();
  }

  private closeWhenIdle(): void {
    if (this.inFlight.size + this.waiting.length > this.abandoned) return;
    this.fail(undefined);
    this.channel.close();
  }

  private onDrain(): void {
    this.channelFull = false;
    const waiters = this.drainWaiters;
    this.drainWaiters = [];
    for (const resolve of waiters) resolve();
  }

  private onClose(cause: Error | undefined): void {
    this.fail(cause);
    this.resolveClosed(cause);
  }

  /** Fails what is overdue, closes the connection if that was sent, and says when to look again. */
  private checkDeadlines(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    let overdue: KafkaError | undefined;
    for (const pending of this.inFlight.values()) {
      if (pending.deadlineMs > nowMs) nextMs = Math.min(nextMs, pending.deadlineMs);
      else overdue = this.timeOut(pending);
    }
    if (overdue !== undefined) {
      this.destroy(overdue);
      return Number.POSITIVE_INFINITY;
    }
    this.waiting.forEach(({ pending }) => {
      if (pending === null) return;
      if (pending.deadlineMs > nowMs) nextMs = Math.min(nextMs, pending.deadlineMs);
      else if (!pending.isAbandoned) this.timeOutWaiting(pending);
    });
    return nextMs;
  }

  private timeOut(pending: PendingRequest): KafkaError {
    const { api, timeoutMs } = pending;
    const where = formatAddress(this.address);
    const error = timeoutError(`${where} did not answer ${api.name} within ${timeoutMs} ms (request.timeout.ms).`);
    pending.giveUp(error);
    return error;
  }

  private timeOutWaiting(pending: PendingRequest): void {
    this.timeOut(pending);
    this.abandon();
  }

  /** Ends the connection for everyone who waits for it. */
  private fail(cause: Error | undefined): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.deadlines.cancel();
    const reason = cause === undefined ? "was closed." : `broke: ${cause.message}`;
    const error = networkError(`The connection to ${formatAddress(this.address)} ${reason}`, cause);
    this.closeError = error;
    for (const pending of this.inFlight.values()) pending.fail(error);
    this.inFlight.clear();
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      next.pending?.fail(error);
      next.onDone?.(false);
    }
    this.onDrain();
  }

  private lostError(): KafkaError {
    return this.closeError ?? networkError(`The connection to ${formatAddress(this.address)} was closed.`);
  }

  private requireOpen(): void {
    if (this.state !== "open") throw this.lostError();
  }

  private requireVersions(): BrokerVersions {
    if (this.versions === null) throw new Error("versions are not negotiated yet");
    return this.versions;
  }
}

import type { AnyMessage, ApiDefinition, ApiVersionsResponse, RequestInput, ResponseOf } from "@ottla/protocol";
import { apiVersionsApi, correlationIdOf, ErrorCode, encodeRequest, KafkaError } from "@ottla/protocol/client";
import type { Timer } from "@ottla/runtime";
import { formatAddress } from "../address.ts";
import type { BrokerAddress, ByteChannel } from "../byte-channel.ts";
import { FrameDecoder } from "../frame-decoder.ts";
import { UNORDERED_SUBPROTOCOL } from "../subprotocol.ts";
import { abortError, networkError, SSL_HANDSHAKE_FAILED, timeoutError } from "../transport-error.ts";
import { BrokerVersions, decodeApiVersions, fallbackVersion } from "./api-versions.ts";
import {
  type AuthenticationExchange,
  type BrokerConnectionOptions,
  CONNECTION_DEFAULTS,
  type RequestOptions,
} from "./connection-options.ts";
import { DeadlineTimer } from "./deadline-timer.ts";
import { abortable } from "./delay.ts";
import { PendingRequest } from "./pending-request.ts";
import { RequestTable } from "./request-table.ts";

type AnyApi = ApiDefinition<AnyMessage, AnyMessage>;

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
  readonly #options: BrokerConnectionOptions;
  readonly #channel: ByteChannel;
  readonly #decoder: FrameDecoder;
  readonly #deadlines: DeadlineTimer;
  readonly #requestTimeoutMs: number;
  readonly #requests: RequestTable;
  #versions: BrokerVersions | null = null;
  #nextCorrelationId = 0;
  #state: "open" | "closing" | "closed" = "open";
  #closeError: KafkaError | null = null;
  #renewal: Timer | null = null;
  /** Whether the broker has answered anything but ApiVersions. */
  #hasAnswered = false;
  #resolveClosed: (cause: Error | undefined) => void = () => {};
  readonly #onFrame = (frame: Uint8Array) => this.#receive(frame);

  /**
   * Connects, negotiates versions and authenticates.
   * @throws KafkaError retriable when the broker cannot be reached or does not answer in time.
   */
  static async open(options: BrokerConnectionOptions): Promise<BrokerConnection> {
    const timeoutMs = options.connectionSetupTimeoutMs ?? CONNECTION_DEFAULTS.connectionSetupTimeoutMs;
    const channel = await options.connector.connect(options.address, { timeoutMs, signal: options.signal });
    const connection = new BrokerConnection(channel, options);
    try {
      connection.#versions = await connection.#negotiate(options.signal);
      if (options.authenticate) await abortable(options.authenticate(connection.#authentication()), options.signal);
      return connection;
    } catch (error) {
      connection.destroy(error instanceof Error ? error : undefined);
      throw error;
    }
  }

  private constructor(channel: ByteChannel, options: BrokerConnectionOptions) {
    this.address = options.address;
    this.#options = options;
    this.#channel = channel;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? CONNECTION_DEFAULTS.requestTimeoutMs;
    const maxInFlightRequests = options.maxInFlightRequests ?? CONNECTION_DEFAULTS.maxInFlightRequests;
    this.#requests = new RequestTable(maxInFlightRequests, (chunks, onDone) => {
      channel.write(chunks, onDone);
    });
    const maxFrameBytes = options.maxResponseBytes ?? CONNECTION_DEFAULTS.maxResponseBytes;
    this.#decoder = new FrameDecoder({ ...options, maxFrameBytes });
    this.#deadlines = new DeadlineTimer(options.runtime, (nowMs) => this.#checkDeadlines(nowMs));
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    channel.start({
      onData: (chunk) => this.#decode(() => this.#decoder.push(chunk, this.#onFrame)),
      sink: {
        room: () => this.#decoder.room(),
        filled: (sizeBytes) => this.#decode(() => this.#decoder.filled(sizeBytes, this.#onFrame)),
      },
      onDrain() {},
      onClose: (cause) => this.#onClose(cause),
    });
  }

  /** Whether requests are accepted. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** What the broker answered to ApiVersions: APIs, supported features, finalized features. */
  get apiVersions(): ApiVersionsResponse {
    return this.#requireVersions().response;
  }

  /** Whether the broker may answer a later request first: a long poll then holds up nobody else on this connection. */
  get answersOutOfOrder(): boolean {
    return this.#channel.subprotocol === UNORDERED_SUBPROTOCOL;
  }

  /** Requests that were sent and not yet answered. */
  get inFlightRequests(): number {
    return this.#requests.inFlightCount;
  }

  /** Whether both sides have a version of an API in common. */
  supports(api: AnyApi): boolean {
    return this.#requireVersions().commonVersion(api) !== undefined;
  }

  /**
   * The highest version of an API that both sides speak.
   * @param maxVersion use none above this one
   * @throws KafkaError UNSUPPORTED_VERSION that names the API and both ranges.
   */
  requestVersion(api: AnyApi, maxVersion?: number): number {
    return this.#requireVersions().requireVersion(api, formatAddress(this.address), maxVersion);
  }

  /**
   * Sends a request and resolves to its response. Large byte members of `body` are referenced until they are sent.
   * @throws KafkaError UNSUPPORTED_VERSION; REQUEST_TIMED_OUT (the connection is closed) and NETWORK_EXCEPTION, both
   * retriable; ABORTED. Error codes inside the response are the caller's to look at.
   */
  request<A extends AnyApi>(api: A, body: RequestInput<A>, options: RequestOptions = {}): Promise<ResponseOf<A>> {
    return this.#exchange(api, body, options);
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
      this.#requireOpen();
      const correlationId = this.#takeCorrelationId();
      const chunks = this.#encode(api, options.version ?? this.requestVersion(api), correlationId, body);
      const onDone = (written: boolean) => (written ? resolve() : reject(this.#lostError()));
      this.#requests.send({ correlationId, chunks, pending: null, onDone });
    });
  }

  /**
   * Refuses new requests, waits for the answers to those in flight, then closes. Resolves when the connection has
   * ended, after `timeoutMs` at the latest (`request.timeout.ms` by default).
   */
  async close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    if (this.#state === "open") {
      this.#state = "closing";
      const timeoutMs = options.timeoutMs ?? this.#requestTimeoutMs;
      const timer = this.#options.runtime.timers.schedule(timeoutMs, () => this.destroy());
      void this.closed.then(() => timer.cancel());
      this.#closeWhenIdle();
    }
    await this.closed;
  }

  /** Closes at once; what is in flight fails with a retriable error. */
  destroy(cause?: Error): void {
    if (this.#state === "closed") return;
    this.#fail(cause);
    this.#channel.destroy(cause);
  }

  async #negotiate(signal: AbortSignal | undefined): Promise<BrokerVersions> {
    const body = {
      clientSoftwareName: this.#options.clientSoftwareName ?? CONNECTION_DEFAULTS.clientSoftwareName,
      clientSoftwareVersion: this.#options.clientSoftwareVersion ?? CONNECTION_DEFAULTS.clientSoftwareVersion,
    };
    let version: number | undefined = apiVersionsApi.validVersions.max;
    while (version !== undefined) {
      const asked: number = version;
      const response: ApiVersionsResponse = await this.#exchange(apiVersionsApi, body, { version, signal }, (frame) =>
        decodeApiVersions(frame, asked),
      );
      if (response.errorCode === ErrorCode.NONE) return new BrokerVersions(response, this.#options.maxVersions);
      if (response.errorCode !== ErrorCode.UNSUPPORTED_VERSION) throw this.#refusal(response.errorCode);
      version = fallbackVersion(response, asked);
    }
    throw this.#refusal(ErrorCode.UNSUPPORTED_VERSION);
  }

  #refusal(errorCode: number): KafkaError {
    return KafkaError.fromCode(errorCode, `The broker at ${formatAddress(this.address)} refused ApiVersions`);
  }

  #authentication(): AuthenticationExchange {
    return {
      address: this.address,
      supports: (api) => this.supports(api),
      requestVersion: (api, maxVersion) => this.requestVersion(api, maxVersion),
      request: (api, body, options = {}) => this.#exchange(api, body, options, undefined, true),
      authenticateAgainIn: (delayMs) => this.#authenticateAgainIn(delayMs),
    };
  }

  #authenticateAgainIn(delayMs: number): void {
    if (this.#state === "closed") return;
    this.#renewal = this.#options.runtime.timers.schedule(delayMs, () => void this.#renewAuthentication());
  }

  /**
   * Between the first and the last message of a renewal a broker takes no other request. One that answers in order
   * would also let the renewal wait behind a long poll: it begins when that is answered.
   */
  async #renewAuthentication(): Promise<void> {
    if (this.#state !== "open") return;
    const allAnswered = this.#requests.hold();
    try {
      if (!this.answersOutOfOrder) await allAnswered;
      await this.#options.authenticate?.(this.#authentication());
      if (!this.#isEnded) this.#requests.release();
    } catch (error) {
      this.destroy(error instanceof Error ? error : undefined);
    }
  }

  #exchange<A extends AnyApi>(
    api: A,
    body: RequestInput<A>,
    { version, timeoutMs = this.#requestTimeoutMs, signal }: RequestOptions,
    decode?: (frame: Uint8Array) => ResponseOf<A>,
    isFirst = false,
  ): Promise<ResponseOf<A>> {
    return new Promise((resolve, reject) => {
      if (!isFirst || this.#isEnded) this.#requireOpen();
      if (signal?.aborted) throw abortError(signal);
      const nowMs = this.#options.runtime.clock.monotonicMs();
      const deadlineMs = nowMs + timeoutMs;
      const used = version ?? this.requestVersion(api);
      const pending = new PendingRequest({ api, version: used, timeoutMs, deadlineMs, resolve, reject, decode });
      const correlationId = this.#takeCorrelationId();
      const request = { correlationId, chunks: this.#encode(api, used, correlationId, body), pending };
      if (isFirst) this.#requests.sendFirst(request);
      else this.#requests.send(request);
      this.#deadlines.arm(deadlineMs, nowMs);
      if (signal !== undefined) pending.abandonOn(signal, () => this.#abandon());
    });
  }

  #encode<A extends AnyApi>(api: A, version: number, correlationId: number, body: RequestInput<A>): Uint8Array[] {
    return encodeRequest(api, version, { correlationId, clientId: this.#options.clientId }, body);
  }

  #takeCorrelationId(): number {
    const correlationId = this.#nextCorrelationId;
    this.#nextCorrelationId = (correlationId + 1) & 0x7fffffff;
    return correlationId;
  }

  #decode<Taken>(take: () => Taken): Taken | undefined {
    try {
      return take();
    } catch (error) {
      this.destroy(error instanceof Error ? error : undefined);
    }
  }

  #receive(frame: Uint8Array): void {
    if (this.#state === "closed") return;
    const correlationId = correlationIdOf(frame);
    if (!this.#requests.answer(correlationId, frame)) {
      throw networkError(`${formatAddress(this.address)} answered request ${correlationId}, which is not in flight.`);
    }
    if (this.#versions !== null) this.#hasAnswered = true;
    if (this.#state === "closing") this.#closeWhenIdle();
  }

  #abandon(): void {
    this.#requests.noteAbandoned();
    if (this.#state === "closing") this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (!this.#requests.isIdle) return;
    this.#fail(undefined);
    this.#channel.close();
  }

  #onClose(cause: Error | undefined): void {
    this.#fail(cause);
    this.#resolveClosed(cause);
  }

  /** Fails what is overdue, closes the connection if that was sent, and says when to look again. */
  #checkDeadlines(nowMs: number): number {
    const { nextMs, overdue } = this.#requests.expire(nowMs, (pending) => this.#overdueError(pending));
    if (overdue !== undefined) this.destroy(overdue);
    else if (this.#state === "closing") this.#closeWhenIdle();
    return this.#state === "closed" ? Number.POSITIVE_INFINITY : nextMs;
  }

  #overdueError({ api, timeoutMs }: PendingRequest): KafkaError {
    const where = formatAddress(this.address);
    return timeoutError(`${where} did not answer ${api.name} within ${timeoutMs} ms (request.timeout.ms).`);
  }

  /** Ends the connection for everyone who waits for it. */
  #fail(cause: Error | undefined): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#deadlines.cancel();
    this.#renewal?.cancel();
    const error = this.#errorFor(cause);
    this.#closeError = error;
    this.#requests.fail(error);
  }

  #errorFor(cause: Error | undefined): KafkaError {
    if (cause instanceof KafkaError && cause.code === SSL_HANDSHAKE_FAILED) return cause;
    const reason = cause === undefined ? `was closed${this.#closeHint()}.` : `broke: ${cause.message}`;
    return networkError(`The connection to ${formatAddress(this.address)} ${reason}`, cause);
  }

  /** A broker says nothing to a client that comes without TLS or SASL where it should: it hangs up. */
  #closeHint(): string {
    if (this.#hasAnswered || this.#requests.inFlightCount === 0) return "";
    return " by the broker before it answered (does this listener ask for TLS or SASL? see the options ssl and sasl)";
  }

  get #isEnded(): boolean {
    return this.#state === "closed";
  }

  #lostError(): KafkaError {
    return this.#closeError ?? networkError(`The connection to ${formatAddress(this.address)} was closed.`);
  }

  #requireOpen(): void {
    if (this.#state !== "open") throw this.#lostError();
  }

  #requireVersions(): BrokerVersions {
    if (this.#versions === null) throw new Error("versions are not negotiated yet");
    return this.#versions;
  }
}

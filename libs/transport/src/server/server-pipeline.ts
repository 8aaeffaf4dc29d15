import { decodeRequestHeader, KafkaError } from "@ottla/protocol";
import type { Runtime, Timer } from "@ottla/runtime";
import { keepListening } from "@ottla/runtime/internal";
import type { ByteChannel } from "../byte-channel.ts";
import { Fifo } from "../fifo.ts";
import { FrameDecoder, type OnFrame } from "../frame-decoder.ts";
import { describeCause } from "../transport-error.ts";
import type {
  AdvertisedAddress,
  ConnectionTraffic,
  RequestFrames,
  RequestHandler,
  ServerConnection,
} from "./contract.ts";
import { type AnswerSink, PipelineRequest } from "./pipeline-request.ts";
import type { RequestMemory } from "./request-memory.ts";
import { OrderedResponses, type ResponseOrder, UnorderedResponses } from "./response-order.ts";

/** Bounds of one connection. */
export interface PipelineLimits {
  /** Largest request: `socket.request.max.bytes`. */
  readonly maxRequestBytes: number;
  /** Requests that may wait for their answers at a time: `queued.max.requests`. */
  readonly maxRequestsInFlight: number;
  /** Bytes of requests that may wait for their answers at a time; one request may always be there. */
  readonly maxRequestBytesInFlight: number;
  /**
   * Bytes of answers not yet taken by the client at which none of its further requests is handed over. Also the
   * high-water mark of the channel.
   */
  readonly maxUnsentResponseBytes: number;
}

export const DEFAULT_PIPELINE_LIMITS: PipelineLimits = {
  maxRequestBytes: 100 * 1024 * 1024,
  maxRequestsInFlight: 500,
  maxRequestBytesInFlight: 100 * 1024 * 1024,
  maxUnsentResponseBytes: 1024 * 1024,
};

/** Bytes read ahead of a busy handler; above, the client is left to wait. */
const READ_AHEAD_BYTES = 1024 * 1024;
/** Requests read ahead of a busy handler. */
const READ_AHEAD_REQUESTS = 1000;

export interface ServerPipelineOptions {
  readonly id: number;
  readonly listenerName: string;
  readonly advertised: AdvertisedAddress;
  readonly handler: RequestHandler;
  /** Version of the request header for an API; undefined for an API that does not exist, which closes the connection. */
  readonly headerVersionOf: (apiKey: number, apiVersion: number) => number | undefined;
  readonly limits: PipelineLimits;
  /** False where the client chose `kafka.unordered`. */
  readonly ordered: boolean;
  readonly runtime: Pick<Runtime, "clock" | "logger" | "timers">;
  /** What the requests of all connections share; without it there is no limit. */
  readonly memory?: RequestMemory;
  /** Where requests are gathered that come in pieces; new memory for each by default. */
  readonly frameMemory?: RequestFrames | undefined;
  /** Called once the connection has ended. */
  readonly onClose?: (pipeline: ServerPipeline) => void;
}

/**
 * The server's side of one connection: frames to requests, handed to the handler one after another, and their answers
 * back in order.
 *
 * Invariant: a request is handed over only while the bounds of `limits` hold, and nothing more is read from a client
 * whose requests wait. So what a connection holds in memory is bounded, however fast it sends or slowly it reads.
 */
export class ServerPipeline implements ServerConnection, ConnectionTraffic, AnswerSink {
  readonly id: number;
  readonly listenerName: string;
  readonly advertised: AdvertisedAddress;
  clientSoftwareName = "";
  clientSoftwareVersion = "";
  /** When bytes last came or an answer was given, on the monotonic clock. */
  lastActiveMs: number;
  readonly openedAtMs: number;
  requestsCount = 0;
  receivedBytes = 0;
  sentBytes = 0;
  clientId = "";
  throttledUntilMs = 0;
  private readonly channel: ByteChannel;
  private readonly options: ServerPipelineOptions;
  private readonly decoder: FrameDecoder;
  private readonly responses: ResponseOrder;
  private readonly waiting = new Fifo<PipelineRequest>();
  private waitingBytes = 0;
  private inFlight = 0;
  private inFlightBytes = 0;
  private state: "open" | "draining" | "closed" = "open";
  private handlerBusy = false;
  private throttling: Timer | null = null;
  private dispatching = false;
  private channelFull = false;
  private paused = false;
  private abort: AbortController | null = null;
  private readonly onFrame: OnFrame;
  private readonly onRoom = () => this.unmute();
  /** Chunks that came when there was no memory for another request. */
  private readonly held: Uint8Array[] = [];
  /** Bytes of the request whose effect the next one waits for. */
  private effectBytes = 0;
  private accountedBytes = 0;

  constructor(channel: ByteChannel, options: ServerPipelineOptions) {
    this.channel = channel;
    this.options = options;
    this.id = options.id;
    this.listenerName = options.listenerName;
    this.advertised = options.advertised;
    this.lastActiveMs = options.runtime.clock.monotonicMs();
    this.openedAtMs = this.lastActiveMs;
    this.decoder = new FrameDecoder({
      maxFrameBytes: options.limits.maxRequestBytes,
      memory: options.frameMemory?.gather,
    });
    this.responses = options.ordered ? new OrderedResponses(channel) : new UnorderedResponses(channel);
    this.onFrame = (frame, isOfChunk) => {
      if (isOfChunk) this.options.frameMemory?.hold(frame);
      this.enqueue(frame);
    };
    channel.start(this);
  }

  get kind() {
    return this.channel.kind;
  }

  get remoteAddress(): string {
    return this.channel.remoteAddress;
  }

  get traffic(): ConnectionTraffic {
    return this;
  }

  /** Requests handed over and not yet answered. */
  get requestsInFlight(): number {
    return this.inFlight;
  }

  /** Made when it is first asked for: an idle connection does without. */
  get signal(): AbortSignal {
    if (this.abort === null) {
      this.abort = new AbortController();
      keepListening(this.abort.signal);
      if (this.state === "closed") this.abort.abort();
    }
    return this.abort.signal;
  }

  close(reason: string): void {
    if (this.state === "closed") return;
    this.logClosing(reason);
    this.end();
  }

  reset(reason: string): void {
    if (this.state === "closed") return;
    this.logClosing(reason);
    if (this.channel.reset === undefined) this.channel.destroy();
    else this.channel.reset();
  }

  private logClosing(reason: string): void {
    this.options.runtime.logger.info("Closing a connection", this.logFields({ reason }));
  }

  throttle(delayMs: number): void {
    const { clock, timers } = this.options.runtime;
    const untilMs = clock.monotonicMs() + delayMs;
    if (this.state !== "open" || delayMs <= 0 || untilMs <= this.throttledUntilMs) return;
    this.throttledUntilMs = untilMs;
    this.throttling?.cancel();
    this.throttling = timers.schedule(delayMs, () => {
      this.throttling = null;
      this.unmute();
    });
    this.regulateReading();
  }

  /** Hands over no more requests, answers those that were, then closes. */
  drain(): void {
    if (this.state !== "open") return;
    this.state = "draining";
    this.forgetWaiting();
    this.channel.pause();
    if (this.inFlight === 0) this.end();
  }

  /** Closes at once. */
  destroy(): void {
    this.channel.destroy();
  }

  /** Called by the channel. */
  onData(chunk: Uint8Array): void {
    if (this.state !== "open") return;
    this.lastActiveMs = this.options.runtime.clock.monotonicMs();
    if (this.held.length > 0 || !this.mayRead()) {
      this.held.push(chunk);
      this.mute();
    } else if (this.decode(chunk)) {
      this.dispatch();
    }
  }

  /** False where the bytes are no frames: the connection is closed then. */
  private decode(chunk: Uint8Array): boolean {
    try {
      const isCopied = this.decoder.push(chunk, this.onFrame);
      if (isCopied) this.channel.release?.(chunk);
      this.options.frameMemory?.release(chunk);
      return true;
    } catch (error) {
      this.close(describeCause(error));
      return false;
    }
  }

  /** A request that has begun is read to its end; another one is begun only where there is memory. */
  private mayRead(): boolean {
    return this.decoder.announcedBytes > 0 || (this.options.memory?.hasRoom ?? true);
  }

  private mute(): void {
    if (!this.paused) this.channel.pause();
    this.paused = true;
    this.options.memory?.onRoom(this.onRoom);
  }

  /** There is memory again: takes what had come before the connection was muted, then reads on. */
  private unmute(): void {
    while (this.state === "open" && this.held.length > 0 && this.mayRead()) {
      if (!this.decode(this.held.shift()!)) return;
      this.accountMemory();
    }
    this.dispatch();
  }

  /** Tells the memory that all share what this connection takes up of it now. */
  private accountMemory(): void {
    const { memory } = this.options;
    if (memory === undefined) return;
    const isOpen = this.state === "open";
    const sizeBytes = this.effectBytes + (isOpen ? this.waitingBytes + this.decoder.announcedBytes : 0);
    const change = sizeBytes - this.accountedBytes;
    this.accountedBytes = sizeBytes;
    if (change > 0) memory.take(change);
    else if (change < 0) memory.giveBack(-change);
  }

  /** Called by the channel. */
  onDrain(): void {
    this.channelFull = false;
    this.dispatch();
  }

  /** Called by the channel. */
  onClose(cause?: Error): void {
    if (cause !== undefined) this.logBreak(cause);
    this.state = "closed";
    this.forgetWaiting();
    this.responses.drop();
    this.abort?.abort();
    this.options.onClose?.(this);
  }

  /** Called by a request that was answered. */
  answered(request: PipelineRequest): void {
    this.inFlight--;
    this.inFlightBytes -= request.frame.length;
    if (this.state === "closed") {
      request.onDone?.(false);
      return;
    }
    this.lastActiveMs = this.options.runtime.clock.monotonicMs();
    this.sentBytes += request.answerBytes;
    if (!this.responses.release(request)) this.channelFull = true;
    if (this.state === "draining" && this.inFlight === 0) this.end();
    else this.dispatch();
  }

  /** Called by a request. */
  frameReleased({ frame }: PipelineRequest): void {
    this.options.frameMemory?.release(frame);
  }

  private enqueue(frame: Uint8Array): void {
    this.waiting.push(new PipelineRequest(this, this, frame, this.lastActiveMs));
    this.waitingBytes += frame.length;
  }

  /** Hands over what waits, as far as the bounds allow. Not re-entered by handlers that answer at once. */
  private dispatch(): void {
    if (this.dispatching) return;
    this.dispatching = true;
    while (
      this.state === "open" &&
      !this.handlerBusy &&
      this.throttling === null &&
      this.waiting.length > 0 &&
      this.hasRoom()
    ) {
      this.handOver(this.waiting.shift()!);
    }
    this.dispatching = false;
    this.accountMemory();
    this.regulateReading();
  }

  private hasRoom(): boolean {
    const { limits } = this.options;
    return (
      this.inFlight < limits.maxRequestsInFlight &&
      (this.inFlight === 0 || this.inFlightBytes < limits.maxRequestBytesInFlight) &&
      !this.channelFull &&
      this.responses.heldBytes < limits.maxUnsentResponseBytes
    );
  }

  private handOver(request: PipelineRequest): void {
    this.waitingBytes -= request.frame.length;
    if (!this.decodeHeader(request)) return;
    this.inFlight++;
    this.inFlightBytes += request.frame.length;
    this.requestsCount++;
    this.receivedBytes += request.frame.length;
    this.clientId = request.header.clientId ?? "";
    this.responses.expect(request);
    try {
      const effect = this.options.handler(request);
      if (effect !== undefined) this.awaitEffect(request, effect);
    } catch (error) {
      this.handlerFailed(request, error);
    }
  }

  private decodeHeader(request: PipelineRequest): boolean {
    try {
      const { header, body } = decodeRequestHeader(request.frame, this.options.headerVersionOf);
      request.header = header;
      request.bodyOffset = body.offset;
      return true;
    } catch (error) {
      this.close(`malformed request header: ${describeCause(error)}`);
      return false;
    }
  }

  private awaitEffect(request: PipelineRequest, effect: Promise<void>): void {
    this.handlerBusy = true;
    this.effectBytes = request.frame.length;
    effect.then(
      () => {
        this.handlerBusy = false;
        this.effectBytes = 0;
        this.dispatch();
      },
      (error: unknown) => {
        this.effectBytes = 0;
        this.handlerFailed(request, error);
        this.accountMemory();
      },
    );
  }

  private handlerFailed(request: PipelineRequest, error: unknown): void {
    if (error instanceof KafkaError && this.state !== "closed") {
      this.close(`request ${describeRequest(request)} failed: ${error.message}`);
      return;
    }
    const fields = this.logFields({ request: describeRequest(request), error });
    this.options.runtime.logger.error("A request handler failed; its connection is closed", fields);
    this.end();
  }

  /** Reads on while little waits, and stops while much does. */
  private regulateReading(): void {
    if (this.state !== "open") return;
    const isFull =
      this.throttling !== null || this.waitingBytes >= READ_AHEAD_BYTES || this.waiting.length >= READ_AHEAD_REQUESTS;
    if (this.held.length > 0 || !this.mayRead()) {
      this.mute();
    } else if (isFull && !this.paused) {
      this.paused = true;
      this.channel.pause();
    } else if (this.paused && this.waiting.length === 0) {
      this.paused = false;
      this.channel.resume();
    }
  }

  private end(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.forgetWaiting();
    this.abort?.abort();
    this.channel.close();
  }

  private forgetWaiting(): void {
    this.waiting.clear();
    this.waitingBytes = 0;
    this.held.length = 0;
    this.throttling?.cancel();
    this.throttling = null;
    this.options.memory?.forget(this.onRoom);
    this.accountMemory();
  }

  /** Clients come and go: only one that breaks the rules is worth a line. */
  private logBreak(cause: Error): void {
    const { logger } = this.options.runtime;
    const isViolation = cause instanceof KafkaError && cause.code === "PROTOCOL_VIOLATION";
    if (isViolation) logger.info("Closing a connection", this.logFields({ reason: cause.message }));
    else logger.debug("A connection broke", this.logFields({ reason: cause.message }));
  }

  private logFields(fields: Record<string, unknown>): Record<string, unknown> {
    return { listener: this.listenerName, remote: this.remoteAddress, transport: this.kind, ...fields };
  }
}

function describeRequest({ header }: PipelineRequest): string {
  return `${header.requestApiKey} v${header.requestApiVersion} (correlation id ${header.correlationId})`;
}

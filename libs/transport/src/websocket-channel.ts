import type { Timer, Timers } from "@ottla/runtime";
import type { ByteChannel, ByteChannelHandlers, WriteDone } from "./byte-channel.ts";
import { concatChunks, OutgoingQueue, settleBatch } from "./outgoing-queue.ts";
import { networkError } from "./transport-error.ts";

/** Bytes in the platform's send buffer above which `write` returns false. */
const HIGH_WATER_MARK_BYTES = 1024 * 1024;
/** A message is ended once it holds this much: the other side sees nothing of a message before its last byte. */
const MESSAGE_BYTES_MAX = 64 * 1024;
/** `bufferedAmount` has no event, so it is looked at again after this time, while a writer waits for it. */
const DRAIN_CHECK_MS = 5;

const NORMAL_CLOSURE = 1000;
const OPEN = 1;

/** A channel over a WebSocket of the platform that is open already. `binaryType` must be `"arraybuffer"`. */
export class WebSocketChannel implements ByteChannel {
  readonly kind = "websocket";
  readonly localAddress = "";
  readonly remoteAddress: string;
  readonly #socket: WebSocket;
  readonly #timers: Timers;
  readonly #queue = new OutgoingQueue(MESSAGE_BYTES_MAX);
  #handlers: ByteChannelHandlers | null = null;
  /**
   * What came before `start` or while paused: a platform WebSocket cannot be told to stop reading. Bounded by what
   * the reader asked for, as a broker sends nothing but answers.
   */
  #held: Uint8Array[] = [];
  #paused = true;
  #ended = false;
  #state: "open" | "closing" | "closed" = "open";
  #cause: Error | undefined;
  #flushPlanned = false;
  #drainCheck: Timer | null = null;

  constructor(socket: WebSocket, timers: Timers) {
    this.#socket = socket;
    this.#timers = timers;
    this.remoteAddress = socket.url;
    socket.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data);
    socket.onerror = () => {};
    socket.onclose = (event) => this.#closed(event);
  }

  get subprotocol(): string {
    return this.#socket.protocol;
  }

  get bufferedBytes(): number {
    return this.#queue.sizeBytes + this.#socket.bufferedAmount;
  }

  start(handlers: ByteChannelHandlers): void {
    this.#handlers = handlers;
    this.resume();
  }

  write(chunks: readonly Uint8Array[], onDone?: WriteDone): boolean {
    if (this.#state !== "open") {
      if (onDone !== undefined) queueMicrotask(() => onDone(false));
      return false;
    }
    this.#queue.add(chunks, onDone);
    if (!this.#flushPlanned) {
      this.#flushPlanned = true;
      queueMicrotask(() => this.#flush());
    }
    if (this.bufferedBytes < HIGH_WATER_MARK_BYTES) return true;
    this.#drainCheck ??= this.#timers.schedule(DRAIN_CHECK_MS, () => this.#checkDrain());
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    queueMicrotask(() => this.#release());
  }

  close(): void {
    if (this.#state !== "open") return;
    this.#flush();
    this.#state = "closing";
    this.#held = [];
    this.#socket.close(NORMAL_CLOSURE);
  }

  destroy(cause?: Error): void {
    if (this.#state === "closed") return;
    this.#cause ??= cause;
    this.#state = "closing";
    this.#held = [];
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket.close(NORMAL_CLOSURE);
    this.#ended = true;
    queueMicrotask(() => this.#release());
  }

  #flush(): void {
    this.#flushPlanned = false;
    if (this.#state !== "open") return;
    for (const batch of this.#queue.take()) {
      const isOpen = this.#socket.readyState === OPEN;
      if (isOpen) this.#socket.send(concatChunks(batch.chunks) as Uint8Array<ArrayBuffer>);
      settleBatch(batch, isOpen);
    }
  }

  #checkDrain(): void {
    this.#drainCheck = null;
    if (this.#state !== "open") return;
    if (this.bufferedBytes < HIGH_WATER_MARK_BYTES / 2) this.#handlers?.onDrain();
    else this.#drainCheck = this.#timers.schedule(DRAIN_CHECK_MS, () => this.#checkDrain());
  }

  /** Delivers what was held back, and then the end of the connection. */
  #release(): void {
    if (this.#handlers === null) return;
    while (this.#held.length > 0 && !this.#paused) this.#deliver(this.#held.shift()!);
    if (this.#ended && this.#held.length === 0) this.#finish();
  }

  #receive(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) {
      this.destroy(networkError("The broker sent a text message: it does not speak Kafka over WebSocket."));
      return;
    }
    const chunk = new Uint8Array(data);
    if (this.#paused || this.#held.length > 0) this.#held.push(chunk);
    else this.#deliver(chunk);
  }

  #deliver(chunk: Uint8Array): void {
    if (this.#state === "open") this.#handlers?.onData(chunk);
  }

  #closed(event: CloseEvent): void {
    if (event.code !== NORMAL_CLOSURE) this.#cause = closeCause(event);
    this.#ended = true;
    this.#release();
  }

  #finish(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#drainCheck?.cancel();
    this.#queue.drop();
    this.#handlers?.onClose(this.#cause);
  }
}

function closeCause(event: CloseEvent): Error {
  const reason = event.reason === "" ? "" : `: ${event.reason}`;
  return networkError(`The WebSocket was closed with code ${event.code}${reason}.`);
}

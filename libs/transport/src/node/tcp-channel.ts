import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Timers } from "@ottla/runtime";
import { formatHostPort } from "../address.ts";
import type { ByteChannel, ByteChannelHandlers, WriteDone } from "../byte-channel.ts";
import {
  coalesceChunks,
  FLUSHED_AT_ONCE_BYTES,
  type OutgoingBatch,
  OutgoingQueue,
  settleBatch,
} from "../outgoing-queue.ts";
import { closeSocket } from "./close-socket.ts";
import { freeMemory } from "./free-memory.ts";
import { plainBytes } from "./plain-bytes.ts";
import { socketError } from "./socket-errors.ts";
import type { SocketReader } from "./socket-reader.ts";

export interface TcpChannelOptions {
  readonly timers: Timers;
  /** Unsent bytes at which `write` returns false; `onDrain` comes below half of it. */
  readonly highWaterMarkBytes: number;
  /** Bytes that were read from the socket before. */
  readonly firstChunk?: Uint8Array;
  /** What reads the socket, which is paused; by default chunks come as the socket makes them. */
  readonly reader?: SocketReader;
}

/** A channel over a connected TCP or TLS socket. */
export class TcpChannel implements ByteChannel {
  readonly kind = "tcp";
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly socket: Socket;
  private readonly timers: Timers;
  private readonly highWaterMarkBytes: number;
  private readonly queue = new OutgoingQueue();
  private readonly reader: SocketReader | undefined;
  private firstChunk: Uint8Array | null;
  private handlers: ByteChannelHandlers | null = null;
  private state: "open" | "closing" | "closed" = "open";
  private cause: Error | undefined;
  private paused = false;
  private flushPlanned = false;
  private needsDrain = false;

  constructor(socket: Socket, options: TcpChannelOptions) {
    this.socket = socket;
    this.timers = options.timers;
    this.highWaterMarkBytes = options.highWaterMarkBytes;
    this.reader = options.reader;
    this.firstChunk = options.firstChunk ?? null;
    this.remoteAddress = formatHostPort(socket.remoteAddress ?? "?", socket.remotePort ?? 0);
    this.localAddress = formatHostPort(socket.localAddress ?? "?", socket.localPort ?? 0);
    socket.on("error", (error) => this.failed(error));
    socket.on("close", () => this.finish());
  }

  get bufferedBytes(): number {
    return this.queue.sizeBytes + this.socket.writableLength;
  }

  start(handlers: ByteChannelHandlers): void {
    this.handlers = handlers;
    process.nextTick(() => {
      if (this.state === "closed") handlers.onClose(this.cause);
      else this.startReading();
    });
  }

  write(chunks: readonly Uint8Array[], onDone?: WriteDone): boolean {
    if (this.state !== "open") {
      if (onDone !== undefined) process.nextTick(onDone, false);
      return false;
    }
    if (this.queue.add(chunks, onDone) >= FLUSHED_AT_ONCE_BYTES) this.flush();
    else if (!this.flushPlanned) {
      this.flushPlanned = true;
      process.nextTick(() => this.flush());
    }
    if (this.bufferedBytes >= this.highWaterMarkBytes) this.needsDrain = true;
    return !this.needsDrain;
  }

  pause(): void {
    this.paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.paused = false;
    if (this.handlers === null) return;
    if (this.firstChunk !== null) process.nextTick(() => this.deliverFirst());
    this.socket.resume();
  }

  release(chunk: Uint8Array): void {
    freeMemory(chunk);
  }

  close(): void {
    if (this.state !== "open") return;
    this.flush();
    this.state = "closing";
    closeSocket(this.socket, this.timers);
  }

  destroy(cause?: Error): void {
    if (this.state === "closed") return;
    this.state = "closing";
    this.cause ??= cause;
    this.socket.destroy();
  }

  reset(): void {
    if (this.state === "closed") return;
    this.state = "closing";
    // TLS has no such end.
    if (this.socket instanceof TLSSocket) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  private startReading(): void {
    this.deliverFirst();
    if (this.reader === undefined) this.socket.on("data", (chunk) => this.deliver(plainBytes(chunk)));
    else this.reader.start((chunk) => this.deliver(chunk), this.handlers?.sink);
    if (!this.paused) this.socket.resume();
  }

  private deliverFirst(): void {
    const chunk = this.firstChunk;
    if (chunk === null || this.paused) return;
    this.firstChunk = null;
    this.deliver(plainBytes(chunk));
  }

  private deliver(chunk: Uint8Array): unknown {
    return this.state === "open" ? this.handlers?.onData(chunk) : undefined;
  }

  private flush(): void {
    this.flushPlanned = false;
    if (this.state !== "open") return;
    for (const batch of this.queue.take()) this.send(batch);
  }

  private send(batch: OutgoingBatch): void {
    const chunks = coalesceChunks(batch.chunks);
    const last = chunks.length - 1;
    if (last < 0) {
      settleBatch(batch, true);
      return;
    }
    if (last > 0) this.socket.cork();
    for (let i = 0; i < last; i++) this.socket.write(chunks[i]!);
    this.socket.write(chunks[last]!, (error) => this.written(batch, error));
    if (last > 0) this.socket.uncork();
  }

  private written(batch: OutgoingBatch, error: Error | null | undefined): void {
    settleBatch(batch, !error);
    if (!this.needsDrain || this.bufferedBytes >= this.highWaterMarkBytes / 2) return;
    this.needsDrain = false;
    if (this.state === "open") this.handlers?.onDrain();
  }

  private failed(error: Error): void {
    this.cause ??= socketError(`The connection with ${this.remoteAddress} broke`, error);
  }

  private finish(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.queue.drop();
    this.handlers?.onClose(this.cause);
  }
}

import type { Socket } from "node:net";
import type WebSocket from "ws";
import { formatHostPort } from "../address.ts";
import type { ByteChannel, ByteChannelHandlers, WriteDone } from "../byte-channel.ts";
import {
  coalesceChunks,
  FLUSHED_AT_ONCE_BYTES,
  type OutgoingBatch,
  OutgoingQueue,
  settleBatch,
} from "../outgoing-queue.ts";
import type { RequestFrames } from "../server/contract.ts";
import { networkError, protocolViolation } from "../transport-error.ts";
import { plainBytes } from "./plain-bytes.ts";
import { socketError, systemCode } from "./socket-errors.ts";
import { deliverWholeFrames } from "./whole-frames.ts";

/** A message is ended once it holds this much: the other side sees nothing of a message before its last byte. */
const MESSAGE_BYTES_MAX = 64 * 1024;

const NORMAL_CLOSURE = 1000;
const NO_STATUS = 1005;
const UNSUPPORTED_DATA = 1003;

/** A message as chunks for one gathered write. The two ends of a WebSocket differ: a client masks what it sends. */
export type EncodeMessage = (chunks: readonly Uint8Array[], sizeBytes: number) => Uint8Array[];

export interface NodeWebSocketChannelOptions {
  readonly encodeMessage: EncodeMessage;
  /** Unsent bytes at which `write` returns false; `onDrain` comes below half of it. */
  readonly highWaterMarkBytes: number;
  /** Where frames are put together that come in pieces: who gets a chunk holds it. Only where `ws` has read nothing yet. */
  readonly frameMemory?: RequestFrames | undefined;
}

/** A channel over an open WebSocket of the `ws` package and the socket below it. */
export class NodeWebSocketChannel implements ByteChannel {
  readonly kind = "websocket";
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  private readonly highWaterMarkBytes: number;
  private readonly encodeMessage: EncodeMessage;
  private readonly queue = new OutgoingQueue(MESSAGE_BYTES_MAX);
  private handlers: ByteChannelHandlers | null = null;
  private state: "open" | "closing" | "closed" = "open";
  private cause: Error | undefined;
  private flushPlanned = false;
  private needsDrain = false;
  private paused = true;
  /** Whether anything came since the last ping. */
  private heard = true;

  constructor(webSocket: WebSocket, socket: Socket, options: NodeWebSocketChannelOptions) {
    this.webSocket = webSocket;
    this.socket = socket;
    this.highWaterMarkBytes = options.highWaterMarkBytes;
    this.encodeMessage = options.encodeMessage;
    this.remoteAddress = formatHostPort(socket.remoteAddress ?? "?", socket.remotePort ?? 0);
    this.localAddress = formatHostPort(socket.localAddress ?? "?", socket.localPort ?? 0);
    webSocket.binaryType = "fragments";
    webSocket.pause();
    if (options.frameMemory !== undefined) deliverWholeFrames(socket, options.frameMemory);
    webSocket.on("message", (data, isBinary) => this.receive(data as Uint8Array[], isBinary));
    webSocket.on("pong", () => {
      this.heard = true;
    });
    webSocket.on("error", (error) => this.failed(error));
    webSocket.on("close", (code, reason) => this.closed(code, reason.toString()));
  }

  get subprotocol(): string {
    return this.webSocket.protocol;
  }

  get bufferedBytes(): number {
    return this.queue.sizeBytes + this.socket.writableLength;
  }

  start(handlers: ByteChannelHandlers): void {
    this.handlers = handlers;
    this.resume();
    if (this.state === "closed") process.nextTick(() => handlers.onClose(this.cause));
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
    this.webSocket.pause();
  }

  resume(): void {
    if (this.handlers === null) return;
    this.paused = false;
    this.heard = true;
    this.webSocket.resume();
  }

  /**
   * Asks whether the other side still exists; destroys the channel if nothing came since it was last asked. A paused
   * channel is left alone: the answer would not be read.
   */
  probe(): void {
    if (this.paused || this.state !== "open") return;
    if (!this.heard) {
      this.destroy(networkError("The other side does not answer WebSocket pings."));
      return;
    }
    this.heard = false;
    this.webSocket.ping();
  }

  close(): void {
    this.closeWith(NORMAL_CLOSURE, "");
  }

  destroy(cause?: Error): void {
    if (this.state === "closed") return;
    this.state = "closing";
    this.cause ??= cause;
    this.webSocket.terminate();
  }

  private closeWith(code: number, reason: string): void {
    if (this.state !== "open") return;
    this.flush();
    this.state = "closing";
    this.webSocket.close(code, reason);
    this.webSocket.resume();
  }

  private receive(fragments: readonly Uint8Array[], isBinary: boolean): void {
    this.heard = true;
    if (!isBinary) {
      this.cause = protocolViolation("The other side sent a text message: it does not speak Kafka over WebSocket.");
      this.closeWith(UNSUPPORTED_DATA, "Kafka frames are binary messages");
      return;
    }
    for (const fragment of fragments) {
      if (this.state === "open") this.handlers?.onData(plainBytes(fragment));
    }
  }

  private flush(): void {
    this.flushPlanned = false;
    if (this.state !== "open" || this.webSocket.readyState !== this.webSocket.OPEN) return;
    this.socket.cork();
    for (const batch of this.queue.take()) this.send(batch);
    this.socket.uncork();
  }

  /**
   * Messages are written here and not by `ws`, which takes one buffer for each and would have ours copied together.
   * Nothing can come in between, because `ws` writes its own frames (ping, pong, close) whole and at once.
   */
  private send(batch: OutgoingBatch): void {
    const chunks = coalesceChunks(this.encodeMessage(batch.chunks, batch.sizeBytes));
    const last = chunks.length - 1;
    for (let i = 0; i < last; i++) this.socket.write(chunks[i]!);
    this.socket.write(chunks[last]!, (error) => this.written(batch, error));
  }

  private written(batch: OutgoingBatch, error: Error | null | undefined): void {
    settleBatch(batch, !error);
    if (!this.needsDrain || this.bufferedBytes >= this.highWaterMarkBytes / 2) return;
    this.needsDrain = false;
    if (this.state === "open") this.handlers?.onDrain();
  }

  private failed(error: Error): void {
    const isViolation = systemCode(error)?.startsWith("WS_ERR_");
    const what = `The WebSocket with ${this.remoteAddress} broke`;
    this.cause ??= isViolation ? protocolViolation(`${what}: ${error.message}.`, error) : socketError(what, error);
  }

  private closed(code: number, reason: string): void {
    if (this.state === "closed") return;
    if (this.state === "open" && code !== NORMAL_CLOSURE && code !== NO_STATUS) {
      this.cause ??= networkError(`The WebSocket was closed with code ${code}${reason && `: ${reason}`}.`);
    }
    this.state = "closed";
    this.queue.drop();
    this.handlers?.onClose(this.cause);
  }
}

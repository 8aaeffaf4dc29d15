import { ByteReader, type ByteWriter } from "@ottla/protocol";
import type { Runtime, Timer } from "@ottla/runtime";
import { type ByteChannel, FrameDecoder, SIZE_PREFIX_BYTES } from "@ottla/transport";
import { ZooKeeperError } from "../errors.ts";
import { type ConnectRequest, encodeConnect, encodeRequest, OpCode, Xid } from "../wire/requests.ts";
import {
  type ConnectResponse,
  decodeConnect,
  readReplyHeader,
  readWatchEvent,
  type WatchEvent,
} from "../wire/responses.ts";

/**
 * No answer of a sane ensemble is larger. `jute.maxbuffer` (1 MB) holds for what is sent to a server; its lists of children
 * have no bound, and this is room for five million names of 20 characters. What is no ZooKeeper, but text, announces more.
 */
const FRAME_BYTES_MAX = 128 * 1024 * 1024;

/** How often, while a session may last, the server's silence is checked and a sign of life sent. */
const CHECKS_PER_TIMEOUT = 6;

export interface ServerConnectionHandlers {
  onWatchEvent(event: WatchEvent): void;
  /** Called once; everything that was under way has been rejected with CONNECTION_LOSS. */
  onClose(): void;
}

interface Pending {
  readonly xid: number;
  readonly what: string;
  settle(reader: ByteReader, errno: number): void;
  reject(error: Error): void;
}

/**
 * One connection to one server: the handshake, then requests that are answered in order. It pings when it has nothing to
 * say, and ends itself when the server has been silent for two thirds of the session's time, so that a third is left to
 * find another one.
 */
export class ServerConnection {
  /** The newest transaction that the server has told of. */
  lastZxid = 0n;
  readonly #channel: ByteChannel;
  readonly #runtime: Pick<Runtime, "clock" | "timers">;
  readonly #handlers: ServerConnectionHandlers;
  readonly #decoder = new FrameDecoder({ maxFrameBytes: FRAME_BYTES_MAX });
  readonly #pending: Pending[] = [];
  #handshake: { resolve(response: ConnectResponse): void; reject(error: Error): void } | null = null;
  #nextXid = 1;
  #sessionTimeoutMs: number;
  #heardAtMs: number;
  #timer: Timer | null = null;
  #closed = false;

  constructor(
    channel: ByteChannel,
    sessionTimeoutMs: number,
    runtime: Pick<Runtime, "clock" | "timers">,
    handlers: ServerConnectionHandlers,
  ) {
    this.#channel = channel;
    this.#runtime = runtime;
    this.#handlers = handlers;
    this.#sessionTimeoutMs = sessionTimeoutMs;
    this.#heardAtMs = runtime.clock.monotonicMs();
    channel.start({
      onData: (chunk) => this.#onData(chunk),
      onDrain: () => {},
      onClose: (cause) => this.#onClose(cause),
    });
  }

  /** Opens or resumes a session. The answer says whether there still is one. */
  async handshake(request: ConnectRequest): Promise<ConnectResponse> {
    const answered = new Promise<ConnectResponse>((resolve, reject) => {
      this.#handshake = { resolve, reject };
    });
    this.#send(encodeConnect(request));
    this.#planCheck();
    const response = await answered;
    if (response.sessionTimeoutMs > 0) this.#sessionTimeoutMs = response.sessionTimeoutMs;
    return response;
  }

  /**
   * Sends a request. `read` takes the answer's body, inside the call that delivers it (so that what it notes is in place
   * before the next event); `onRefused` is told of an error's number in the same way.
   */
  request<T>(
    opCode: number,
    what: string,
    writeBody: ((writer: ByteWriter) => void) | undefined,
    read: (reader: ByteReader) => T,
    onRefused?: (errno: number) => void,
  ): Promise<T> {
    if (this.#closed) return Promise.reject(connectionLoss(what, undefined));
    const xid = this.#nextXid++;
    return new Promise<T>((resolve, reject) => {
      const settle = (reader: ByteReader, errno: number) => {
        if (errno === 0) return resolve(read(reader));
        onRefused?.(errno);
        reject(ZooKeeperError.fromNumber(errno, what));
      };
      this.#pending.push({ xid, what, settle, reject });
      this.#send(encodeRequest(xid, opCode, writeBody));
    });
  }

  /** Ends the session, then the connection. */
  async closeSession(): Promise<void> {
    await this.request(OpCode.CLOSE_SESSION, "closing the session", undefined, () => {}).catch(() => {});
    this.#channel.close();
  }

  destroy(cause?: Error): void {
    this.#channel.destroy(cause);
    this.#onClose(cause);
  }

  #send(frame: Uint8Array): void {
    const prefix = new Uint8Array(SIZE_PREFIX_BYTES);
    new DataView(prefix.buffer).setInt32(0, frame.length);
    this.#channel.write([prefix, frame]);
  }

  #onData(chunk: Uint8Array): void {
    if (this.#closed) return;
    this.#heardAtMs = this.#runtime.clock.monotonicMs();
    try {
      this.#decoder.push(chunk, (frame) => this.#onFrame(frame));
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #onFrame(frame: Uint8Array): void {
    if (this.#handshake !== null) {
      this.#handshake.resolve(decodeConnect(frame));
      this.#handshake = null;
      return;
    }
    const reader = new ByteReader(frame);
    const { xid, zxid, errno } = readReplyHeader(reader);
    if (zxid > this.lastZxid) this.lastZxid = zxid;
    if (xid === Xid.PING) return;
    if (xid === Xid.WATCH_EVENT) this.#handlers.onWatchEvent(readWatchEvent(reader));
    else this.#onAnswer(reader, xid, errno);
  }

  #onAnswer(reader: ByteReader, xid: number, errno: number): void {
    const pending = this.#pending.shift();
    if (pending?.xid !== xid) {
      const expected = pending === undefined ? "none" : String(pending.xid);
      if (pending !== undefined) this.#pending.unshift(pending);
      throw new Error(`ZooKeeper answered request ${xid}, where an answer to ${expected} was due`);
    }
    try {
      pending.settle(reader, errno);
    } catch (error) {
      pending.reject(error as Error);
      if (!(error instanceof ZooKeeperError)) throw error;
    }
  }

  #onClose(cause: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#handshake?.reject(connectionLoss("opening the session", cause));
    for (const pending of this.#pending.splice(0)) pending.reject(connectionLoss(pending.what, cause));
    this.#handlers.onClose();
  }

  #planCheck(): void {
    const delayMs = this.#sessionTimeoutMs / CHECKS_PER_TIMEOUT;
    this.#timer = this.#runtime.timers.schedule(delayMs, () => this.#check(), { keepAlive: true });
  }

  #check(): void {
    const silentMs = this.#runtime.clock.monotonicMs() - this.#heardAtMs;
    if (silentMs >= (this.#sessionTimeoutMs * 2) / 3) {
      this.destroy(new Error(`ZooKeeper has been silent for ${Math.round(silentMs)} ms`));
      return;
    }
    if (this.#handshake === null) this.#send(encodeRequest(Xid.PING, OpCode.PING));
    this.#planCheck();
  }
}

function connectionLoss(what: string, cause: Error | undefined): ZooKeeperError {
  const why = cause === undefined ? "" : `: ${cause.message}`;
  return new ZooKeeperError("CONNECTION_LOSS", `The connection to ZooKeeper broke during ${what}${why}`, { cause });
}

/** What carries the bytes of a connection. */
export type TransportKind = "tcp" | "websocket" | "memory";

/** Where a broker is reached: `url` for WebSocket (`ws://`, `wss://`), `host` and `port` for TCP. */
export interface BrokerAddress {
  /** A host name or IP address; IPv6 without brackets. */
  readonly host: string;
  /** From 1 to 65535. */
  readonly port: number;
  /** The whole WebSocket URL. Absent means TCP. */
  readonly url?: string;
}

/**
 * A connection as a duplex stream of bytes, whatever carries it. Chunk boundaries mean nothing to the reader.
 *
 * Nothing is delivered before `start`. `onClose` is called exactly once, after the last `onData`, and never from
 * inside a call of the channel's own methods.
 */
export interface ByteChannel {
  readonly kind: TransportKind;
  /** The WebSocket subprotocol that both sides agreed on; absent or empty for none. */
  readonly subprotocol?: string;
  readonly remoteAddress: string;
  readonly localAddress: string;
  start(handlers: ByteChannelHandlers): void;
  /**
   * Queues `chunks`, which together are one or more whole frames; what is written in one turn of the event loop
   * leaves together. The chunks are not copied: they must not change until `onDone`, which is called exactly once, in
   * a later turn or microtask: with true when the platform has taken them, with false when they will never leave.
   * Returns false when the high-water mark is reached: wait for `onDrain`. (What is written nevertheless is queued.)
   */
  write(chunks: readonly Uint8Array[], onDone?: WriteDone): boolean;
  /** Bytes queued and not yet taken by the platform. */
  readonly bufferedBytes: number;
  /**
   * Stops reading (TCP backpressure where the platform has it) until `resume`. Bytes that the platform had read
   * already may still be delivered.
   */
  pause(): void;
  resume(): void;
  /** Says that nobody looks at a chunk any more that was delivered: its memory may be freed at once. */
  release?(chunk: Uint8Array): void;
  /** Sends what is queued, then closes. What arrives from now on is dropped. */
  close(): void;
  /** Closes at once. */
  destroy(cause?: Error): void;
  /** The same, but the peer is told that the connection broke, where that can be told: over TCP without TLS. */
  reset?(): void;
}

/** Hears that the chunks of a write are no longer needed, and whether they were written. */
export type WriteDone = (written: boolean) => void;

/** Takes bytes without a chunk of their own: a channel may read to where they belong. */
export interface ByteSink {
  /** Where the next bytes go; undefined if that is not known, and they are to come as a chunk. */
  room(): Uint8Array | undefined;
  /** So many bytes are in what {@link room} gave last. */
  filled(sizeBytes: number): void;
}

export interface ByteChannelHandlers {
  /** Returns true where nobody looks at the chunk any more: its memory may be used again at once. */
  onData(chunk: Uint8Array): unknown;
  /** Where there is one, a channel may use it instead of `onData` whenever it has room. */
  readonly sink?: ByteSink;
  onDrain(): void;
  /** `cause` is absent for an orderly close. */
  onClose(cause?: Error): void;
}

/** Opens channels to brokers. TCP in Node.js, WebSocket anywhere, the in-memory pair in tests: all are connectors. */
export interface Connector {
  /** Rejects with a retriable KafkaError when the broker cannot be reached. */
  connect(address: BrokerAddress, options: ConnectOptions): Promise<ByteChannel>;
}

export interface ConnectOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

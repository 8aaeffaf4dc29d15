import type { ByteChannel, ByteChannelHandlers, WriteDone } from "./byte-channel.ts";
import { concatChunks, type OutgoingBatch, OutgoingQueue, settleBatch } from "./outgoing-queue.ts";
import { networkError } from "./transport-error.ts";

const HIGH_WATER_MARK_BYTES = 1024 * 1024;

export interface MemoryPairOptions {
  /**
   * Runs a delivery later: `queueMicrotask` by default. A simulation gives its own, to delay what is on the way;
   * callbacks must run in the order they were given.
   */
  readonly deliver?: (callback: () => void) => void;
  /** Bytes on the way in one direction above which `write` returns false. 1 MiB by default. */
  readonly highWaterMarkBytes?: number;
  /** What the two ends call themselves: `["client", "server"]` by default. */
  readonly names?: readonly [string, string];
}

/**
 * Two connected channels in memory, with the semantics of a socket: bytes are copied on the way and arrive later,
 * never inside `write`; a paused reader holds up its writer; closing delivers what was written before.
 */
export function createMemoryPair(options: MemoryPairOptions = {}): [ByteChannel, ByteChannel] {
  const deliver = options.deliver ?? queueMicrotask;
  const highWaterMarkBytes = options.highWaterMarkBytes ?? HIGH_WATER_MARK_BYTES;
  const [first, second] = options.names ?? ["client", "server"];
  const a = new MemoryChannel(first, second, deliver, highWaterMarkBytes);
  const b = new MemoryChannel(second, first, deliver, highWaterMarkBytes);
  a.connect(b);
  b.connect(a);
  return [a, b];
}

type State = "open" | "closing" | "closed";

class MemoryChannel implements ByteChannel {
  readonly kind = "memory";
  readonly localAddress: string;
  readonly remoteAddress: string;
  private readonly deliver: (callback: () => void) => void;
  private readonly highWaterMarkBytes: number;
  private readonly queue = new OutgoingQueue();
  private peer: MemoryChannel = this;
  private handlers: ByteChannelHandlers | null = null;
  private state: State = "open";
  private paused = false;
  private deliveryPlanned = false;
  private needsDrain = false;

  constructor(
    localAddress: string,
    remoteAddress: string,
    deliver: (callback: () => void) => void,
    highWaterMarkBytes: number,
  ) {
    this.localAddress = localAddress;
    this.remoteAddress = remoteAddress;
    this.deliver = deliver;
    this.highWaterMarkBytes = highWaterMarkBytes;
  }

  connect(peer: MemoryChannel): void {
    this.peer = peer;
  }

  get bufferedBytes(): number {
    return this.queue.sizeBytes;
  }

  start(handlers: ByteChannelHandlers): void {
    this.handlers = handlers;
    this.peer.planDelivery();
  }

  write(chunks: readonly Uint8Array[], onDone?: WriteDone): boolean {
    if (this.state !== "open") {
      if (onDone !== undefined) this.deliver(() => onDone(false));
      return false;
    }
    this.queue.add(chunks, onDone);
    this.planDelivery();
    this.needsDrain = this.bufferedBytes >= this.highWaterMarkBytes;
    return !this.needsDrain;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.peer.planDelivery();
  }

  close(): void {
    if (this.state !== "open") return;
    this.state = "closing";
    this.planDelivery();
  }

  destroy(cause?: Error): void {
    if (this.state === "closed") return;
    this.deliver(() => this.peer.finish(networkError("The connection was reset by the peer.", cause)));
    this.finish(cause);
  }

  private planDelivery(): void {
    if (this.deliveryPlanned || this.state === "closed") return;
    this.deliveryPlanned = true;
    this.deliver(() => {
      this.deliveryPlanned = false;
      this.deliverNow();
    });
  }

  private deliverNow(): void {
    if (this.state === "closed" || this.peer.handlers === null || this.peer.paused) return;
    for (const batch of this.queue.take()) this.deliverBatch(batch);
    if (this.state === "closing") this.endBothWays();
    else if (this.needsDrain) {
      this.needsDrain = false;
      this.handlers?.onDrain();
    }
  }

  private deliverBatch(batch: OutgoingBatch): void {
    const bytes = concatChunks(batch.chunks);
    const copied = batch.chunks.length === 1 ? bytes.slice() : bytes;
    if (this.peer.state === "open") this.peer.handlers?.onData(copied);
    settleBatch(batch, true);
  }

  private endBothWays(): void {
    this.peer.finish();
    this.finish();
  }

  /** Ends this side; its owner hears of it once, in a later turn. */
  private finish(cause?: Error): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.deliver(() => {
      this.queue.drop();
      this.handlers?.onClose(cause);
    });
  }
}

import { correlationIdOf } from "@ottla/protocol";
import { apisByKey } from "@ottla/protocol/internal";
import type { Random, SimulatedRuntime } from "@ottla/runtime";
import { type ByteChannel, FrameDecoder, SIZE_PREFIX_BYTES } from "@ottla/transport";
import type { SimulatedProcess } from "./simulated-process.ts";

/**
 * What becomes of a message. `lost`: it does not arrive, and the connection breaks. `silence`: it does not arrive, and
 * neither does anything else on this connection, of which nobody is told. `late`: the connection breaks for its sender, who
 * may say it again on another one, and long afterwards it arrives all the same.
 */
export type Fate = "arrives" | "lost" | "silence" | "late";

/** A request under way, and its answer. */
export interface Exchange {
  readonly client: SimulatedProcess;
  readonly server: SimulatedProcess;
  readonly apiName: string;
  readonly apiVersion: number;
  readonly apiKey: number;
  /** When the request left, on the monotonic clock. */
  readonly sentMs: number;
}

interface Ends {
  readonly world: SimulatedRuntime;
  readonly client: SimulatedProcess;
  readonly server: SimulatedProcess;
  readonly latencyMs: () => number;
  readonly random: Random;
}

interface LinkListener {
  fateOf(exchange: Exchange, direction: "request" | "response"): Fate;
  /** Whether bytes from one process get to the other now; otherwise they wait. */
  passes(from: SimulatedProcess, to: SimulatedProcess): boolean;
  /** Each message, as it arrives. */
  onArrived(arrival: Arrival): void;
  onClosed(): void;
}

/** A message that has come to where it was sent. */
export interface Arrival {
  readonly exchange: Exchange;
  readonly direction: "request" | "response";
  /** Without its size. */
  readonly frame: Uint8Array;
  readonly sentMs: number;
}

/** What becomes of a message, and what is to be done as it arrives. */
interface Judged {
  readonly fate: Fate;
  readonly arrived: () => void;
}

const MAX_FRAME_BYTES = 2 ** 30;
/** How late a message comes at the most. */
const LATE_MS_MAX = 8_000;
/** How often bytes that are held up look whether they may go on. */
const HOLD_MS = 20;

/**
 * One connection as the network sees it: a client's bytes come in at one end and leave at the server's, and the other
 * way round; message by message, in order, after a while.
 */
export class SimulatedLink {
  readonly client: SimulatedProcess;
  readonly server: SimulatedProcess;
  readonly #ends: Ends;
  readonly #listener: LinkListener;
  readonly #nearWire: ByteChannel;
  readonly #farWire: ByteChannel;
  readonly #exchanges = new Map<number, Exchange>();
  #state: "open" | "silent" | "closed" = "open";

  constructor(ends: Ends, nearWire: ByteChannel, farWire: ByteChannel, listener: LinkListener) {
    this.client = ends.client;
    this.server = ends.server;
    this.#ends = ends;
    this.#listener = listener;
    this.#nearWire = nearWire;
    this.#farWire = farWire;
    const isOpen = () => this.#state === "open";
    const passes = listener.passes.bind(listener);
    const there = new Wire(ends, { from: ends.client, to: ends.server, isOpen, passes });
    const back = new Wire(ends, { from: ends.server, to: ends.client, isOpen, passes });
    this.#carry(nearWire, there, farWire, (frame, sentMs) => this.#request(frame, sentMs));
    this.#carry(farWire, back, nearWire, (frame, sentMs) => this.#response(frame, sentMs));
    ends.client.onKilled(() => this.reset());
    ends.server.onKilled(() => this.reset());
  }

  /** Requests that have left and are not answered, unless the link has fallen silent. */
  get waiting(): Iterable<Exchange> {
    return this.#state === "open" ? this.#exchanges.values() : [];
  }

  /** Breaks the connection: both ends hear of it, as far as they live. */
  reset(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#exchanges.clear();
    this.client.wake(() => this.#nearWire.destroy());
    this.server.wake(() => this.#farWire.destroy());
    this.#listener.onClosed();
  }

  /** Its sender hears of the broken connection now; its receiver gets the message, and then hears of it. */
  #deliverLate(to: ByteChannel, bytes: Uint8Array, arrived: () => void): void {
    const [sender, receiver] = to === this.#farWire ? [this.client, this.server] : [this.server, this.client];
    const from = to === this.#farWire ? this.#nearWire : this.#farWire;
    this.#state = "silent";
    sender.wake(() => from.destroy());
    this.#ends.world.timers.schedule(this.#ends.random.nextInt(LATE_MS_MAX), () => {
      if (this.#state === "closed") return;
      receiver.wake(() => {
        arrived();
        to.write([bytes]);
      });
      this.#ends.world.timers.schedule(LATE_MS_MAX, () => this.reset());
    });
  }

  #carry(from: ByteChannel, wire: Wire, to: ByteChannel, judge: (frame: Uint8Array, sentMs: number) => Judged): void {
    const decoder = new FrameDecoder({ maxFrameBytes: MAX_FRAME_BYTES });
    const carry = (frame: Uint8Array) => {
      if (this.#state !== "open") return;
      const bytes = withSize(frame);
      const sentMs = this.#ends.world.clock.monotonicMs();
      wire.send(() => {
        const { fate, arrived } = judge(bytes.subarray(SIZE_PREFIX_BYTES), sentMs);
        if (fate === "arrives") {
          arrived();
          to.write([bytes]);
        } else if (fate === "lost") this.reset();
        else if (fate === "late") this.#deliverLate(to, bytes, arrived);
        else this.#state = "silent";
      });
    };
    from.start({
      onData: (chunk) => decoder.push(chunk, carry),
      onDrain() {},
      onClose: () => wire.send(() => this.reset()),
    });
  }

  #request(frame: Uint8Array, sentMs: number): Judged {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    const apiKey = view.getInt16(0);
    const exchange: Exchange = {
      client: this.client,
      server: this.server,
      apiKey,
      apiName: apisByKey.get(apiKey)?.name ?? String(apiKey),
      apiVersion: view.getInt16(2),
      sentMs,
    };
    const arrived = () => {
      this.#exchanges.set(view.getInt32(4), exchange);
      this.#listener.onArrived({ exchange, direction: "request", frame, sentMs });
    };
    return { fate: this.#listener.fateOf(exchange, "request"), arrived };
  }

  #response(frame: Uint8Array, sentMs: number): Judged {
    const correlationId = correlationIdOf(frame);
    const exchange = this.#exchanges.get(correlationId);
    if (exchange === undefined) return { fate: "arrives", arrived: () => {} };
    this.#exchanges.delete(correlationId);
    const arrived = () => this.#listener.onArrived({ exchange, direction: "response", frame, sentMs });
    return { fate: this.#listener.fateOf(exchange, "response"), arrived };
  }
}

interface WireEnds {
  readonly from: SimulatedProcess;
  readonly to: SimulatedProcess;
  readonly isOpen: () => boolean;
  readonly passes: (from: SimulatedProcess, to: SimulatedProcess) => boolean;
}

/** One direction of a link: everything arrives in the order in which it was sent. */
class Wire {
  readonly #ends: Ends;
  readonly #wire: WireEnds;
  readonly #queue: (() => void)[] = [];
  #isBusy = false;

  constructor(ends: Ends, wire: WireEnds) {
    this.#ends = ends;
    this.#wire = wire;
  }

  send(arrive: () => void): void {
    this.#queue.push(arrive);
    if (!this.#isBusy) this.#next();
  }

  /** Many messages may be under way; what arrives at a time arrives together. */
  #next(): void {
    const { world, client, server, latencyMs } = this.#ends;
    this.#isBusy = true;
    world.timers.schedule(latencyMs() + client.lagMs + server.lagMs, () => this.#arrive());
  }

  #arrive(): void {
    const { from, to, isOpen, passes } = this.#wire;
    if (!isOpen()) return;
    if (!passes(from, to)) {
      this.#ends.world.timers.schedule(HOLD_MS, () => this.#arrive());
      return;
    }
    for (const arrive of this.#queue.splice(0)) to.wake(arrive);
    this.#isBusy = false;
  }
}

function withSize(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(SIZE_PREFIX_BYTES + frame.length);
  new DataView(bytes.buffer).setInt32(0, frame.length);
  bytes.set(frame, SIZE_PREFIX_BYTES);
  return bytes;
}

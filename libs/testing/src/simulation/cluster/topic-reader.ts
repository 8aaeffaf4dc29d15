import { Consumer } from "@ottla/consumer";
import type { SimulatedNetwork } from "../simulated-network.ts";
import type { SimulatedProcess } from "../simulated-process.ts";

/** Who hears of what was read. */
export interface ReaderObserver {
  read(topic: string, partition: number, offset: number, value: string): void;
  violated(error: unknown): void;
}

/** A process that reads a topic from its beginning: every record once, without a gap. */
export class TopicReader {
  readonly process: SimulatedProcess;
  readonly #consumer: Consumer;
  readonly #observer: ReaderObserver;
  readonly #next = new Map<number, number>();

  constructor(options: {
    readonly process: SimulatedProcess;
    readonly network: SimulatedNetwork;
    readonly bootstrapServers: string;
    readonly topic: string;
    readonly partitions: number;
    readonly observer: ReaderObserver;
  }) {
    const { process, network, bootstrapServers, topic, partitions, observer } = options;
    this.process = process;
    this.#observer = observer;
    this.#consumer = new Consumer({
      ...{ bootstrapServers, clientId: process.name, runtime: process.runtime },
      connector: network.connectorOf(process),
      // Metadata that grow old are not looked at anew: what has changed it has to find out.
      ...{ autoOffsetReset: "none", requestTimeoutMs: 2_000, fetchMaxWaitMs: 500 },
    });
    const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
    this.#consumer.assign(all);
    for (const one of all) this.#consumer.seek(one, 0);
    void this.#read();
  }

  /** The offset that is read next. */
  positionOf(partition: number): number {
    return this.#next.get(partition) ?? 0;
  }

  async #read(): Promise<void> {
    try {
      for await (const { topic, partition, offset, value } of this.#consumer) {
        const expected = this.positionOf(partition);
        if (offset !== expected)
          throw new Error(`the reader gets ${offset} of ${topic}-${partition} where ${expected} comes next`);
        this.#next.set(partition, offset + 1);
        this.#observer.read(topic, partition, offset, value ?? "");
      }
    } catch (error) {
      if (!this.process.isDead) this.#observer.violated(error);
    }
  }
}

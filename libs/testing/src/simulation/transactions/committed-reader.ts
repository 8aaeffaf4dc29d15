import { Consumer } from "@ottla/consumer";
import type { Read } from "../../history/transaction-history.ts";
import type { SimulatedNetwork } from "../simulated-network.ts";
import type { SimulatedProcess } from "../simulated-process.ts";
import { clientOptions, type ProcessObserver } from "./client-options.ts";

/** A process that reads what is committed, from the beginning, and remembers it. */
export class CommittedReader {
  readonly process: SimulatedProcess;
  readonly reads: Read[] = [];
  readonly #consumer: Consumer;
  readonly #observer: ProcessObserver;

  constructor(options: {
    readonly process: SimulatedProcess;
    readonly network: SimulatedNetwork;
    readonly bootstrapServers: string;
    readonly partitions: readonly string[];
    readonly observer: ProcessObserver;
  }) {
    const { process, network, bootstrapServers, partitions, observer } = options;
    this.process = process;
    this.#observer = observer;
    this.#consumer = new Consumer({
      ...clientOptions(process, network),
      ...{ bootstrapServers, isolationLevel: "read_committed", autoOffsetReset: "earliest", fetchMaxWaitMs: 500 },
    });
    this.#consumer.assign(
      partitions.map((name) => {
        const [topic, partition] = name.split("-");
        return { topic: topic!, partition: Number(partition) };
      }),
    );
    void this.#read();
  }

  /** The values of one partition, in order. */
  valuesOf(name: string): string[] {
    return this.reads.filter(({ partition }) => partition === name).map(({ value }) => value);
  }

  async #read(): Promise<void> {
    const { name, runtime } = this.process;
    try {
      for await (const { topic, partition, offset, value } of this.#consumer) {
        const atMs = runtime.clock.monotonicMs();
        this.reads.push({ reader: name, partition: `${topic}-${partition}`, offset, value: value ?? "", atMs });
      }
    } catch (error) {
      if (!this.process.isDead) this.#observer.violated(error);
    }
  }
}

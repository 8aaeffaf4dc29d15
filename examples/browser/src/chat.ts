import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";

const TOPIC = "chat";

export interface Message {
  readonly partition: number;
  readonly offset: number;
  readonly text: string;
}

/** Reads the topic for a page, from `next` (offsets by partition) on, or from the beginning; and writes to it. */
export class Chat {
  readonly #producer: Producer;
  readonly #consumer: Consumer;

  constructor(bootstrapServers: string) {
    this.#producer = new Producer({ bootstrapServers });
    // No group: every page reads everything, and remembers itself how far it is.
    this.#consumer = new Consumer({ bootstrapServers, autoOffsetReset: "earliest" });
    this.#consumer.on("stall", ({ error }) => this.onTrouble(error.message));
    this.#consumer.on("recovered", () => this.onTrouble(null));
  }

  /** What keeps messages from coming; null when nothing does any more. */
  onTrouble: (trouble: string | null) => void = () => {};

  async *messages(next: Readonly<Record<number, number>>): AsyncGenerator<Message> {
    const partitions = await this.#consumer.partitionsFor(TOPIC);
    this.#consumer.assign(partitions);
    for (const at of partitions) {
      const offset = next[at.partition];
      if (offset !== undefined) this.#consumer.seek(at, offset);
    }
    for await (const { partition, offset, value } of this.#consumer) yield { partition, offset, text: value ?? "" };
  }

  async say(text: string): Promise<void> {
    await this.#producer.send({ topic: TOPIC, value: text });
  }
}

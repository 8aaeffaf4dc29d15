import { Producer } from "@ottla/producer";
import type { KafkaError } from "@ottla/protocol";
import { type Random, seededRandom } from "@ottla/runtime";
import type { SimulatedNetwork } from "../simulated-network.ts";
import type { SimulatedProcess } from "../simulated-process.ts";
import type { Tally } from "../tally.ts";

/** Who hears of what a writer was told to be safe. */
export interface WriterObserver {
  acknowledged(topic: string, partition: number, offset: number, value: string): void;
}

const BATCH_MAX = 6;
const PAUSE_MS_MAX = 300;

/** A process with an idempotent producer that writes numbered values, and remembers which it has been told to be safe. */
export class SteadyWriter {
  readonly process: SimulatedProcess;
  readonly #producer: Producer;
  readonly #random: Random;
  readonly #topic: string;
  readonly #partitions: number;
  readonly #tally: Tally;
  readonly #observer: WriterObserver;
  #sent = 0;
  #pending = 0;
  #isStopping = false;

  constructor(options: {
    readonly process: SimulatedProcess;
    readonly network: SimulatedNetwork;
    readonly bootstrapServers: string;
    readonly topic: string;
    readonly partitions: number;
    readonly seed: number;
    readonly tally: Tally;
    readonly observer: WriterObserver;
  }) {
    const { process, network, bootstrapServers } = options;
    this.process = process;
    this.#random = seededRandom(options.seed);
    this.#topic = options.topic;
    this.#partitions = options.partitions;
    this.#tally = options.tally;
    this.#observer = options.observer;
    this.#producer = new Producer({
      ...{ bootstrapServers, clientId: process.name, runtime: process.runtime },
      connector: network.connectorOf(process),
      ...{ requestTimeoutMs: 2_000, metadataMaxAgeMs: 5_000, deliveryTimeoutMs: 20_000, maxBlockMs: 20_000 },
    });
    void this.#write();
  }

  /** Records that were sent and neither acknowledged nor given up. */
  get pending(): number {
    return this.process.isDead ? 0 : this.#pending;
  }

  /** Writes no more; what is on its way goes on. */
  stop(): void {
    this.#isStopping = true;
  }

  /** One record to one partition. @throws KafkaError */
  async writeTo(partition: number): Promise<void> {
    const value = `${this.process.name}.${this.#sent++}`;
    const { offset } = await this.#producer.send({ topic: this.#topic, partition, value });
    this.#observer.acknowledged(this.#topic, partition, offset, value);
  }

  async #write(): Promise<void> {
    const { timers } = this.process.runtime;
    while (!this.#isStopping) {
      const partition = this.#random.nextInt(this.#partitions);
      for (let left = 1 + this.#random.nextInt(BATCH_MAX); left > 0; left--) void this.#send(partition);
      await new Promise<void>((resolve) => timers.schedule(this.#random.nextInt(PAUSE_MS_MAX), resolve));
    }
  }

  async #send(partition: number): Promise<void> {
    this.#pending++;
    try {
      await this.writeTo(partition);
      this.#tally.add("record acknowledged");
    } catch (error) {
      this.#tally.add(`record given up: ${(error as KafkaError).code}`);
    } finally {
      this.#pending--;
    }
  }
}

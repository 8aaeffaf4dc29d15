import { Producer, transactionErrorKind } from "@ottla/producer";
import type { KafkaError } from "@ottla/protocol";
import { type Random, seededRandom } from "@ottla/runtime";
import type { Send, TransactionHistory } from "../../history/transaction-history.ts";
import type { SimulatedNetwork } from "../simulated-network.ts";
import type { SimulatedProcess } from "../simulated-process.ts";
import { clientOptions, type ProcessObserver, TRANSACTION_TIMEOUT_MS, thinking } from "./client-options.ts";

const SENDS_MAX = 6;

class DeliberateAbort extends Error {}

/** What one transaction of a writer did, as far as it got. */
interface OwnHistory {
  readonly id: string;
  readonly process: string;
  readonly sends: { -readonly [Key in keyof Send]: Send[Key] }[];
  committingAtMs: number | null;
  outcome: TransactionHistory["outcome"];
}

/** A process that writes to several partitions in transactions, some of which it aborts, and remembers what it did. */
export class PairWriter {
  readonly process: SimulatedProcess;
  readonly transactions: OwnHistory[] = [];
  readonly #producer: Producer;
  readonly #random: Random;
  readonly #partitions: readonly string[];
  readonly #observer: ProcessObserver;
  #isStopping = false;

  constructor(options: {
    readonly process: SimulatedProcess;
    readonly network: SimulatedNetwork;
    readonly bootstrapServers: string;
    readonly transactionalId: string;
    readonly partitions: readonly string[];
    readonly seed: number;
    readonly observer: ProcessObserver;
  }) {
    const { process, network, bootstrapServers, transactionalId } = options;
    this.process = process;
    this.#random = seededRandom(options.seed);
    this.#partitions = options.partitions;
    this.#observer = options.observer;
    this.#producer = new Producer({
      ...clientOptions(process, network),
      ...{ bootstrapServers, transactionalId, transactionTimeoutMs: TRANSACTION_TIMEOUT_MS },
    });
    void this.#write();
  }

  /** Ends after the transaction at hand. */
  stop(): void {
    this.#isStopping = true;
  }

  async #write(): Promise<void> {
    for (let number = 0; !this.#isStopping; number++) {
      await this.#transact(`${this.process.name}.${number}`);
      await thinking(this.process, this.#random);
    }
    await this.#producer.close({ timeoutMs: 5_000 }).catch(() => {});
    this.process.kill();
  }

  async #transact(id: string): Promise<void> {
    const own: OwnHistory = { id, process: this.process.name, sends: [], committingAtMs: null, outcome: "unknown" };
    this.transactions.push(own);
    try {
      await this.#producer.transaction(async (tx) => {
        const sends = Array.from({ length: 1 + this.#random.nextInt(SENDS_MAX) }, async (_, index) => {
          const partition = this.#partitions[this.#random.nextInt(this.#partitions.length)]!;
          const send = { partition, value: `${id}/${index}`, offset: null as number | null };
          own.sends.push(send);
          const [topic, number] = partition.split("-");
          const { offset } = await tx.send({ topic: topic!, partition: Number(number), value: send.value });
          send.offset = offset;
        });
        await Promise.all(sends);
        await thinking(this.process, this.#random);
        if (this.#random.nextInt(4) === 0) throw new DeliberateAbort();
        own.committingAtMs = this.process.runtime.clock.monotonicMs();
      });
      own.outcome = "committed";
    } catch (error) {
      if (error instanceof DeliberateAbort) own.outcome = "aborted";
      else this.#failed(error as KafkaError);
    }
    this.#observer.tally.add(`transaction ${own.outcome}`);
  }

  #failed(error: KafkaError): void {
    this.#observer.tally.add(`transaction failed with ${error.code}`);
    if (transactionErrorKind(error) !== "fatal") return;
    this.#isStopping = true;
    if (error.code !== "PRODUCER_FENCED") this.#observer.violated(error);
  }
}

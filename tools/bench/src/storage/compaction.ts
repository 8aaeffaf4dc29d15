import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { DEFAULT_SETTINGS } from "../clients/bench-client.ts";
import type { Contestant, Effort, Row } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import { ClientProcess } from "../processes/client-process.ts";

const DIRTY = "dirty";
const QUIET = "quiet";
const RECORDS_PER_CALL = 1_000;
const VALUE = "v".repeat(1_000);
/** Compaction begins so soon once a log is due, and there is enough for it to last while latencies are taken. */
const BACKOFF_MS = 20;

/** A broker with a compacted topic that is compacted when a row says so, and one that is written to meanwhile. */
class CompactingBroker {
  readonly #dirtyMegabytes: number;
  #broker: BrokerUnderTest | null = null;
  #client: ClientProcess | null = null;
  #serial = 0;

  constructor({ quick }: Effort) {
    this.#dirtyMegabytes = quick ? 60 : 200;
  }

  async start(): Promise<void> {
    if (this.#broker !== null) return;
    this.#broker = await BrokerUnderTest.start(["--set", `log.cleaner.backoff.ms=${BACKOFF_MS}`]);
    await using admin = this.#admin();
    const configs = { "cleanup.policy": "compact", "segment.bytes": "16777216", "min.cleanable.dirty.ratio": "1" };
    await admin.createTopics([
      { name: DIRTY, partitions: 1, configs },
      { name: QUIET, partitions: 1 },
    ]);
    this.#client = await ClientProcess.start("ottla", this.#address, DEFAULT_SETTINGS);
  }

  /** p99 of single records to the other topic, in ms. */
  async latency(records: number): Promise<number> {
    const { latenciesMs } = await this.#client!.ask({ kind: "latency", topic: QUIET, records, ratePerSecond: 0 });
    return [...latenciesMs!].sort((a, b) => a - b)[Math.floor(0.99 * latenciesMs!.length)]!;
  }

  /** Writes what there is to compact. */
  async makeDirty(): Promise<void> {
    await using producer = new Producer({ bootstrapServers: this.#address });
    for (let left = this.#dirtyMegabytes; left > 0; left--) {
      const record = () => ({ topic: DIRTY, partition: 0, key: `key-${this.#serial++ % 50_000}`, value: VALUE });
      await producer.send(Array.from({ length: RECORDS_PER_CALL }, record));
    }
  }

  async allowCompaction(isAllowed: boolean): Promise<void> {
    await using admin = this.#admin();
    const value = isAllowed ? "0" : "1";
    await admin.incrementalAlterConfigs([
      { type: "topic", name: DIRTY, changes: [{ key: "min.cleanable.dirty.ratio", value }] },
    ]);
  }

  async close(): Promise<void> {
    await this.#client?.close();
    await this.#broker?.stop();
  }

  get #address(): string {
    return `127.0.0.1:${this.#broker!.port}`;
  }

  #admin(): Admin {
    return new Admin({ bootstrapServers: this.#address });
  }
}

export function compactionRow(effort: Effort): Row {
  const broker = new CompactingBroker(effort);
  const records = effort.quick ? 1_000 : 3_000;
  const none: Contestant = {
    name: "ottla broker, no compaction running",
    async measure() {
      await broker.start();
      return { figure: await broker.latency(records) };
    },
  };
  const running: Contestant = {
    name: "ottla broker, a compaction pass running",
    async measure() {
      await broker.start();
      await broker.makeDirty();
      await broker.allowCompaction(true);
      const figure = await broker.latency(records);
      await broker.allowCompaction(false);
      return { figure };
    },
    close: () => broker.close(),
  };
  return {
    name: "produce, one record at a time, p99 (with compaction it may double)",
    unit: "ms",
    better: "less",
    baseline: none.name,
    repetitions: 5,
    contestants: [none, running],
  };
}

import { Producer } from "@ottla/producer";
import type { Contestant } from "../harness/scenario.ts";
import { BROKERS, type OttlaCluster } from "../processes/cluster.ts";
import { until } from "../processes/until.ts";
import { MEGABYTE } from "../storage/temporary-log.ts";
import { adminOf, oneAfterAnother, PARTITIONS, produce } from "./load.ts";

const LARGE_VALUE = "v".repeat(10_000);

const MEASURED_MS_MAX = 4_000;
const SIDES = ["leader", "follower"];

/** A topic with replicas on two brokers, which the third one is to catch up with. */
export class CatchingUp {
  readonly #cluster: OttlaCluster;
  readonly #topic: string;
  readonly #megabytes: number;

  constructor(cluster: OttlaCluster, topic: string, megabytes: number) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#megabytes = megabytes;
  }

  async fill(): Promise<void> {
    const assignments = Array.from({ length: PARTITIONS }, () => [1, 2]);
    const configs = {
      "min.insync.replicas": "1",
      ...Object.fromEntries(SIDES.map((side) => [`${side}.replication.throttled.replicas`, "*"])),
    };
    await using admin = adminOf(this.#cluster);
    await admin.createTopics([{ name: this.#topic, assignments, configs }]);
    await using producer = new Producer({ bootstrapServers: this.#cluster.bootstrapServers, acks: "all" });
    const records = Math.ceil((this.#megabytes * MEGABYTE) / LARGE_VALUE.length);
    await produce(producer, this.#topic, records, LARGE_VALUE);
  }

  /** Replicas are added on the third broker; they fetch all there is. */
  measured(name: string): Contestant {
    return {
      name,
      measure: async () => {
        const startedMs = performance.now();
        await this.#assign([1, 2, BROKERS]);
        await this.#assigned();
        return { figure: (this.#megabytes * 1000) / (performance.now() - startedMs) };
      },
    };
  }

  /** How long records of another topic take meanwhile. */
  latencyBeside(name: string, topic: string, throttledMegabytes: number | null): Contestant {
    return {
      name,
      measure: async () => {
        await this.#assign([1, 2]);
        await this.#assigned();
        await this.#throttle(throttledMegabytes);
        await this.#assign([1, 2, BROKERS]);
        let isDone = false;
        const done = this.#assigned().then(() => {
          isDone = true;
        });
        const untilMs = performance.now() + MEASURED_MS_MAX;
        const measurement = await oneAfterAnother(
          this.#cluster,
          topic,
          (sent) => sent === 0 || (!isDone && performance.now() < untilMs),
        );
        await this.#throttle(null);
        await done;
        return measurement;
      },
    };
  }

  async #assign(replicas: readonly number[]): Promise<void> {
    await using admin = adminOf(this.#cluster);
    const topic = this.#topic;
    await admin.alterPartitionReassignments(
      Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition, replicas })),
    );
  }

  async #assigned(): Promise<void> {
    await using admin = adminOf(this.#cluster);
    await until("the replicas are in sync", async () => (await admin.listPartitionReassignments()).length === 0);
  }

  /** Null for no limit. */
  async #throttle(megabytesPerSecond: number | null): Promise<void> {
    const limit =
      megabytesPerSecond === null ? { operation: "delete" as const } : { value: megabytesPerSecond * MEGABYTE };
    const changes = SIDES.map((side) => ({ key: `${side}.replication.throttled.rate`, ...limit }));
    await using admin = adminOf(this.#cluster);
    await admin.incrementalAlterConfigs(
      Array.from({ length: BROKERS }, (_, index) => ({ type: "broker" as const, name: String(index + 1), changes })),
    );
  }
}

import { createSimulatedRuntime, createSystemRuntime, seededRandom } from "@ottla/runtime";
import { defaultLogConfig, type LogManager, openLogManager } from "@ottla/storage";
import { type ModelFault, type ModelSession, ZooKeeperModel } from "@ottla/zookeeper";
import { afterEach, describe, expect, it } from "vitest";
import type { ContractHarness } from "../contract/contract-harness.ts";
import { metadataLogContract } from "../contract/metadata-log-contract.ts";
import { METADATA_TOPIC } from "../controller/topic-name.ts";
import { ForgetfulDisk } from "../test-support/forgetful-disk.ts";
import { FaultyMetadataLog, noFaults } from "./faulty-metadata-log.ts";
import { LocalMetadataLog, METADATA_TOPIC_ID } from "./local-metadata-log.ts";
import { type MemoryMetadataLog, MemoryMetadataStore } from "./memory-metadata-log.ts";
import type { MetadataLog } from "./metadata-log.ts";
import { ZooKeeperMetadataLog } from "./zookeeper/zookeeper-metadata-log.ts";

/** The metadata log in a data directory. A crash loses what was not synced. */
class LocalHarness implements ContractHarness {
  readonly isShared = false;
  readonly expireSession = null;
  readonly #runtime = createSimulatedRuntime(1);
  #disk = new ForgetfulDisk();
  #manager: LogManager | null = null;

  async connect(): Promise<MetadataLog> {
    const { clock } = this.#runtime;
    this.#manager = await openLogManager({ disk: this.#disk, directory: "/data", runtime: this.#runtime });
    const config = { ...defaultLogConfig, retentionMs: -1, maxMessageBytes: 16 * 1024 * 1024 };
    const log = await this.#manager.openOrCreate(METADATA_TOPIC, 0, METADATA_TOPIC_ID, config);
    return new LocalMetadataLog({ log, disk: this.#disk, directory: `/data/${METADATA_TOPIC}-0`, clock });
  }

  async crash(): Promise<void> {
    this.#disk = await this.#disk.afterPowerFailure();
    this.#manager = null;
  }

  async close(): Promise<void> {
    await this.#manager?.close();
  }
}

/** Several brokers on one log in memory. */
class MemoryHarness implements ContractHarness {
  readonly isShared = true;
  readonly #store = new MemoryMetadataStore();

  async connect(): Promise<MetadataLog> {
    return this.#store.connect();
  }

  async crash(log: MetadataLog): Promise<void> {
    await log.close();
  }

  async expireSession(log: MetadataLog): Promise<void> {
    (log as MemoryMetadataLog).expireSession();
  }

  async close(): Promise<void> {}
}

/** Any of them, failing in every way that can be borne by repeating what is unknown. */
class FaultyHarness implements ContractHarness {
  readonly isShared = true;
  readonly logs: FaultyMetadataLog[] = [];
  readonly #inner = new MemoryHarness();
  readonly #originals = new Map<MetadataLog, MetadataLog>();
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  async connect(): Promise<MetadataLog> {
    const original = await this.#inner.connect();
    const log = new FaultyMetadataLog(original, {
      random: seededRandom(this.#seed + this.logs.length),
      lostAnswerRate: 0.25,
      lostRequestRate: 0.25,
      lateRequestRate: 0.25,
      staleReadRate: 0.3,
      lostHintRate: 0.5,
      slowCallRate: 0.2,
    });
    this.#originals.set(log, original);
    this.logs.push(log);
    return log;
  }

  crash(log: MetadataLog): Promise<void> {
    return this.#inner.crash(this.#originals.get(log)!);
  }

  expireSession(log: MetadataLog): Promise<void> {
    return this.#inner.expireSession(this.#originals.get(log)!);
  }

  async close(): Promise<void> {}
}

/** All but the end of a session, which a caller has to see: `zookeeper/ended-sessions.test.ts` has it at every operation. */
const MODEL_FAULTS: readonly ModelFault[] = ["lost-request", "lost-answer", "late-request", "stale-read", "moved"];

/** The log in ZooKeeper, on a model of it (real servers: in the end-to-end tests). */
class ZooKeeperHarness implements ContractHarness {
  readonly isShared = true;
  readonly faults = new Map<ModelFault, number>(MODEL_FAULTS.map((fault) => [fault, 0]));
  readonly #runtime = createSystemRuntime();
  readonly #model: ZooKeeperModel;
  readonly #sessions = new Map<MetadataLog, ModelSession>();

  constructor(seed: number, faultRate: number) {
    const random = seededRandom(seed);
    const fault = () => {
      if (random.nextFloat() >= faultRate) return null;
      const chosen = MODEL_FAULTS[random.nextInt(MODEL_FAULTS.length)]!;
      this.faults.set(chosen, this.faults.get(chosen)! + 1);
      return chosen;
    };
    this.#model = new ZooKeeperModel({ runtime: { ...this.#runtime, random }, sessionTimeoutMs: 50, fault });
  }

  async connect(): Promise<MetadataLog> {
    const client = this.#model.connect();
    const log = await ZooKeeperMetadataLog.open({ client, root: "/ottla", runtime: this.#runtime });
    this.#sessions.set(log, client);
    return log;
  }

  async crash(log: MetadataLog): Promise<void> {
    this.#sessions.get(log)!.destroy();
  }

  async expireSession(log: MetadataLog): Promise<void> {
    this.#sessions.get(log)!.expire();
  }

  async close(): Promise<void> {}
}

function describeContract(name: string, createHarness: () => ContractHarness): void {
  describe(`the metadata log contract: ${name}`, () => {
    let harness: ContractHarness | null = null;
    afterEach(() => harness?.close());
    for (const rule of metadataLogContract) {
      const probe = createHarness();
      if (rule.needsShared && !probe.isShared) continue;
      if (rule.needsSessions && probe.expireSession === null) continue;
      it(rule.name, async () => {
        harness = createHarness();
        await rule.run(harness);
      });
    }
  });
}

describeContract("local", () => new LocalHarness());
describeContract("memory", () => new MemoryHarness());
describeContract("ZooKeeper", () => new ZooKeeperHarness(1, 0));
for (const seed of [1, 2, 3])
  describeContract(`ZooKeeper with faults, seed ${seed}`, () => new ZooKeeperHarness(seed, 0.2));
for (const seed of [1, 2, 3]) describeContract(`faulty, seed ${seed}`, () => new FaultyHarness(seed));

describe("the model of ZooKeeper", () => {
  it("has shown every fault in the course of the contract", async () => {
    const total = new Map<ModelFault, number>(MODEL_FAULTS.map((fault) => [fault, 0]));
    for (const rule of metadataLogContract) {
      const harness = new ZooKeeperHarness(1, 0.2);
      await rule.run(harness);
      for (const [fault, count] of harness.faults) total.set(fault, total.get(fault)! + count);
    }
    for (const [fault, count] of total) expect(count, fault).toBeGreaterThan(0);
  });
});

describe("the faulty double", () => {
  it("has shown every fault in the course of the contract", async () => {
    const { failedCalls: _, ...total } = noFaults();
    for (let seed = 1; seed <= 5; seed++) {
      for (const rule of metadataLogContract) {
        const harness = new FaultyHarness(seed);
        await rule.run(harness);
        for (const { faults } of harness.logs) {
          for (const kind of Object.keys(total) as (keyof typeof total)[]) total[kind] += faults[kind];
        }
      }
    }
    for (const [kind, count] of Object.entries(total)) expect(count, kind).toBeGreaterThan(0);
  });
});

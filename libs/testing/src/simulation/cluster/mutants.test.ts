import { beforeEach, expect, test, vi } from "vitest";
import { Tally } from "../tally.ts";
import { ClusterSimulation, type Fault } from "./cluster-simulation.ts";
import type { ClusterSimulationOptions } from "./cluster-world.ts";

const mutants = vi.hoisted(() => ({
  leaderEpoch: false,
  partitionEpoch: false,
  brokerEpoch: false,
  controllerEpoch: false,
  pendingIsr: false,
  fetchAhead: false,
}));

/**
 * Followers do not heed in which leader epoch their records were written; or they ask for what comes behind records that
 * are on their way to the file, wherever those are.
 */
vi.mock("../../../../broker/src/replication/replica.ts", async (importOriginal) => {
  interface Fetching {
    readonly partition: { readonly log: { readonly nextOffset: number; readonly logEndOffset: number } };
    readonly mayFetchAhead: boolean;
    fetch(maxBytes: number): object;
  }
  const original = await importOriginal<{ readonly Replica: new (...args: readonly unknown[]) => Fetching }>();
  return {
    ...original,
    Replica: class extends original.Replica {
      override fetch(maxBytes: number): object {
        const fetch = super.fetch(maxBytes);
        return mutants.leaderEpoch ? { ...fetch, lastFetchedEpoch: -1 } : fetch;
      }
      override get mayFetchAhead(): boolean {
        const { nextOffset, logEndOffset } = this.partition.log;
        return mutants.fetchAhead ? nextOffset > logEndOffset : super.mayFetchAhead;
      }
    },
  };
});

interface Proposal {
  readonly topicId: string;
  readonly partition: number;
  readonly newIsr: readonly { readonly brokerId: number }[];
}

interface State {
  readonly image: {
    readonly topicNamesById: { get(id: string): string | undefined };
    readonly topicsByName: {
      get(name: string): { readonly partitions: readonly { readonly partitionEpoch: number }[] } | undefined;
    };
  };
}

/** The controller takes leaders' word for how things are, whatever has happened since. */
vi.mock("../../../../metadata/src/controller/alter-partition.ts", async (importOriginal) => {
  type Alter = (state: State, input: { readonly proposals: readonly Proposal[] }) => unknown;
  const original = await importOriginal<{ readonly alterPartition: Alter }>();
  const credulous = ({ image }: State, proposal: Proposal) => ({
    ...proposal,
    ...(mutants.partitionEpoch && {
      partitionEpoch: image.topicsByName.get(image.topicNamesById.get(proposal.topicId) ?? "")?.partitions[
        proposal.partition
      ]?.partitionEpoch,
    }),
    ...(mutants.brokerEpoch && { newIsr: proposal.newIsr.map((member) => ({ ...member, brokerEpoch: -1 })) }),
  });
  return {
    ...original,
    alterPartition: ((state, input) =>
      original.alterPartition(state, {
        ...input,
        proposals: input.proposals.map((proposal) => credulous(state, proposal)),
      })) satisfies Alter,
  };
});

interface Operation {
  readonly type: string;
  readonly path: string;
}

/** Nobody asks whether the controller is still the controller. */
vi.mock("../../../../zookeeper/src/model/znode-tree.ts", async (importOriginal) => {
  interface Tree {
    apply(operations: readonly Operation[], sessionId: bigint): unknown;
  }
  const original = await importOriginal<{ readonly ZnodeTree: { readonly prototype: Tree } }>();
  const { prototype } = original.ZnodeTree;
  const { apply } = prototype;
  prototype.apply = function (this: Tree, operations, sessionId) {
    const isUnchecked = ({ type, path }: Operation) => type === "check" && path.endsWith("/controller_epoch");
    return apply.call(
      this,
      mutants.controllerEpoch ? operations.filter((one) => !isUnchecked(one)) : operations,
      sessionId,
    );
  };
  return original;
});

/** Leaders count on the committed ISR alone while they ask for another one. */
vi.mock("../../../../broker/src/partition/leadership.ts", async (importOriginal) => {
  interface Leading {
    readonly image: { readonly isr: readonly number[] };
    readonly maximalIsr: readonly number[];
    isAboutToJoin(...args: readonly unknown[]): boolean;
  }
  const original = await importOriginal<{ readonly Leadership: new (...args: readonly unknown[]) => Leading }>();
  return {
    ...original,
    Leadership: class extends original.Leadership {
      override get maximalIsr() {
        return mutants.pendingIsr ? this.image.isr : super.maximalIsr;
      }
      override isAboutToJoin(...args: readonly unknown[]) {
        return !mutants.pendingIsr && super.isAboutToJoin(...args);
      }
    },
  };
});

/** Leaders stay what they are for long. */
const CALM = {
  ...{ kill: 1_000, powerCut: 1_000, stop: 1_000, pause: 1_000, isolate: 1_000, lag: 1_000, diskFull: 1_000 },
  ...{ expireSession: 1_000, cutFromZooKeeper: 1_000, zooKeeperOutage: 1_000, electLeaders: 1_000, reassign: 1_000 },
};

/** From its first seed on the simulation has to notice within so many. The first ones are known to show it. */
const SEEDS_MAX = Number(process.env.OTTLA_TEST_MUTANT_SEEDS ?? 12);

interface Hunt extends ClusterSimulationOptions<Fault> {
  readonly firstSeed: number;
}

/** It shows within so much of them. */
const FAULTS_MS = 15_000;

/** Under which faults each mutant shows. */
const HUNTS = {
  leaderEpoch: { firstSeed: 1 },
  partitionEpoch: {
    firstSeed: 80,
    rare: { lateAlterPartition: 2, joinerLoses: 1_000 },
    onceIn: { ...CALM, cutPair: 15 },
  },
  brokerEpoch: { firstSeed: 42, rare: { lateAlterPartition: 1_000, joinerLoses: 1 }, onceIn: { ...CALM, cutPair: 20 } },
  controllerEpoch: {
    firstSeed: 27,
    rare: { electedPaused: 1 },
    onceIn: { cutFromZooKeeper: 30, zooKeeperOutage: 100 },
  },
  pendingIsr: { firstSeed: 47, onceIn: { ...CALM, cutPair: 15 } },
  fetchAhead: { firstSeed: 3 },
} satisfies Record<keyof typeof mutants, Hunt>;

function violationOf(seed: number, options: ClusterSimulationOptions<Fault>): Promise<string | null> {
  return new ClusterSimulation(seed, new Tally(), { faultsMs: FAULTS_MS, ...options }).run().then(() => null, String);
}

async function firstViolation(mutant: keyof typeof mutants): Promise<string> {
  const { firstSeed, ...options }: Hunt = HUNTS[mutant];
  mutants[mutant] = true;
  for (let seed = firstSeed; seed < firstSeed + SEEDS_MAX; seed++) {
    const violation = await violationOf(seed, options);
    if (violation === null) continue;
    console.info(`seed ${seed}: ${violation}`);
    return violation;
  }
  return "none";
}

beforeEach(() => {
  for (const mutant of Object.keys(mutants) as (keyof typeof mutants)[]) mutants[mutant] = false;
});

const TIMEOUT = { timeout: 300_000 };

test("followers that do not heed leader epochs are found out", TIMEOUT, async () => {
  expect(await firstViolation("leaderEpoch")).toMatch(
    /below its high watermark|was acknowledged|has only|of calm|went from/,
  );
});

test("a controller that does not heed partition epochs is found out", TIMEOUT, async () => {
  expect(await firstViolation("partitionEpoch")).toMatch(/has only|was acknowledged|below its high watermark/);
});

test("a controller that does not heed broker epochs is found out", TIMEOUT, async () => {
  expect(await firstViolation("brokerEpoch")).toMatch(/has only|was acknowledged|below its high watermark/);
});

test("an ensemble that lets past controllers write is found out", TIMEOUT, async () => {
  expect(await firstViolation("controllerEpoch")).toMatch(/a controller of epoch/);
});

test("leaders that forget the ISR they have asked for are found out", TIMEOUT, async () => {
  expect(await firstViolation("pendingIsr")).toMatch(/has only|was acknowledged|below its high watermark/);
});

test("followers that fetch ahead of what they have where it is not committed are found out", TIMEOUT, async () => {
  expect(await firstViolation("fetchAhead")).toMatch(/has only|was acknowledged|below its high watermark/);
});

test("without a mutant the same runs are clean", TIMEOUT, async () => {
  for (const { firstSeed, ...options } of Object.values<Hunt>(HUNTS))
    expect(await violationOf(firstSeed, options)).toBeNull();
});

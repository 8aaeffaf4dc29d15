import { beforeEach, expect, test, vi } from "vitest";
import { Tally } from "../tally.ts";
import { ClusterTransactionSimulation } from "./cluster-transaction-simulation.ts";
import { TransactionSimulation } from "./transaction-simulation.ts";

const mutants = vi.hoisted(() => ({ fencesNobody: false, triesMarkersOnce: false, awaitsNoMarker: false }));

interface Metadata {
  readonly producerEpoch: number;
}

vi.mock("../../../../coordinator/src/transactions/transitions.ts", async (importOriginal) => {
  const original = await importOriginal<Record<string, (metadata: Metadata, ...args: unknown[]) => Metadata | null>>();
  /** The state moves on, the epoch does not. */
  const unfenced = (name: string) => {
    return (metadata: Metadata, ...args: unknown[]) => {
      const next = original[name]!(metadata, ...args);
      if (!mutants.fencesNobody || next === null || metadata.producerEpoch < 0) return next;
      return { ...next, producerEpoch: metadata.producerEpoch };
    };
  };
  return { ...original, prepareFence: unfenced("prepareFence"), incrementEpoch: unfenced("incrementEpoch") };
});

interface MarkersAnswered {
  readonly outcomes: readonly { readonly errorCode: number }[];
}

vi.mock("../../../../coordinator/src/transactions/markers.ts", async (importOriginal) => {
  const original = await importOriginal<Record<string, (...args: unknown[]) => void>>();
  return {
    ...original,
    markersAnswered: (context: unknown, step: unknown, request: MarkersAnswered) => {
      const outcomes = request.outcomes.map((outcome) => ({ ...outcome, errorCode: 0 }));
      original.markersAnswered!(context, step, mutants.triesMarkersOnce ? { ...request, outcomes } : request);
    },
  };
});

interface Writer {
  write(...marker: readonly unknown[]): Promise<number>;
}

vi.mock("../../../../broker/src/transactions/marker-writer.ts", async (importOriginal) => {
  const original = await importOriginal<{ readonly MarkerWriter: new (...args: readonly unknown[]) => Writer }>();
  return {
    ...original,
    MarkerWriter: class extends original.MarkerWriter {
      override write(...marker: readonly unknown[]): Promise<number> {
        const written = super.write(...marker);
        return mutants.awaitsNoMarker ? Promise.resolve(0) : written;
      }
    },
  };
});

/** From its first seed on, which is known to show it, a simulation has to notice a mutant within so many. */
const SEEDS_MAX = 20;

interface Simulation {
  run(): Promise<unknown>;
}

/** On one broker each shows within so much of faults. */
const FAULTS_MS = 12_000;

const onOneBroker = (seed: number): Simulation => new TransactionSimulation(seed, new Tally(), { faultsMs: FAULTS_MS });
const inACluster = (seed: number): Simulation => new ClusterTransactionSimulation(seed, new Tally());

async function firstViolation(simulationOf: (seed: number) => Simulation, firstSeed: number): Promise<string> {
  for (let seed = firstSeed; seed < firstSeed + SEEDS_MAX; seed++) {
    const violation = await simulationOf(seed)
      .run()
      .then(() => null, String);
    if (violation === null) continue;
    console.info(`seed ${seed}: ${violation}`);
    return violation;
  }
  return "none";
}

const FOUND =
  /a transaction hangs|aborted read|precommitted read|lost write|torn transaction|has .* at|too many|of calm/;

beforeEach(() => {
  mutants.fencesNobody = false;
  mutants.triesMarkersOnce = false;
  mutants.awaitsNoMarker = false;
});

test("a coordinator that fences nobody is found out", { timeout: 300_000 }, async () => {
  mutants.fencesNobody = true;
  expect(await firstViolation(onOneBroker, 13)).toMatch(
    /aborted read|lost write|torn transaction|has .* at|too many|of calm/,
  );
});

test("a coordinator that tries to write a marker only once is found out", { timeout: 300_000 }, async () => {
  mutants.triesMarkersOnce = true;
  expect(await firstViolation(onOneBroker, 13)).toMatch(FOUND);
});

test("a coordinator that does not wait until a marker is committed is found out", { timeout: 300_000 }, async () => {
  mutants.awaitsNoMarker = true;
  expect(await firstViolation(onOneBroker, 13)).toMatch(FOUND);
});

test("in a cluster, a coordinator that tries to write a marker only once is found out", {
  timeout: 300_000,
}, async () => {
  mutants.triesMarkersOnce = true;
  expect(await firstViolation(inACluster, 12)).toMatch(FOUND);
});

test("in a cluster, a coordinator that does not wait until a marker is committed is found out", {
  timeout: 300_000,
}, async () => {
  mutants.awaitsNoMarker = true;
  expect(await firstViolation(inACluster, 13)).toMatch(FOUND);
});

import { ErrorCode } from "@ottla/protocol";
import { seededRandom, silentLogger } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import {
  decodeTransactionRecord,
  encodeTransactionRecord,
  type TransactionRecord,
} from "../records/transaction-record.ts";
import { deliver, type Ticket } from "../shard/ticket.ts";
import { defaultTransactionConfig, type TransactionConfig } from "./transaction-config.ts";
import {
  type MarkerOutcome,
  NEEDS_PRODUCER_ID,
  type ProducerIdentityAnswer,
  type TransactionDescription,
  type TransactionRequest,
  type WriteMarkers,
} from "./transaction-requests.ts";
import { TransactionCoordinatorShard, type TransactionStepResult } from "./transaction-shard.ts";

const ID = "id";
const PARTITIONS = new Map([["t", new Set([0, 1])]]);

/** A shard with a log of encoded records, a clock, and markers that are answered when a test says so. */
class Harness {
  readonly config: TransactionConfig;
  readonly log: { readonly key: Uint8Array; readonly value: Uint8Array | null }[] = [];
  readonly markers: WriteMarkers[] = [];
  shard!: TransactionCoordinatorShard;
  monotonicMs = 0;
  holdsCommits = false;
  coordinatorEpoch = 0;
  private pending: { readonly writeId: number; readonly records: readonly TransactionRecord[] }[] = [];
  private nextProducerId = 1_000;

  constructor(config: Partial<TransactionConfig> = {}) {
    this.config = { ...defaultTransactionConfig, ...config };
    this.load();
  }

  get now() {
    return { wallMs: 1_700_000_000_000 + this.monotonicMs, monotonicMs: this.monotonicMs };
  }

  /** The coordinator is killed, and another one reads the log. */
  load(): void {
    this.pending = [];
    this.markers.length = 0;
    this.coordinatorEpoch++;
    const { config, coordinatorEpoch } = this;
    this.shard = new TransactionCoordinatorShard({ config, coordinatorEpoch, logger: silentLogger });
    for (const { key, value } of this.log) {
      const record = decodeTransactionRecord(key, value);
      if ("reason" in record) throw new Error(record.reason);
      this.shard.replay(record.transactionalId, record.metadata);
    }
    this.take(this.shard.finishLoading(this.now));
  }

  advance(ms: number): void {
    this.monotonicMs += ms;
    while (this.shard.nextDeadlineMs <= this.monotonicMs) this.take(this.shard.tick(this.now));
  }

  commitAll(): void {
    for (const { writeId, records } of this.pending.splice(0)) this.commit(writeId, records);
  }

  failAll(errorCode: number): void {
    const [first] = this.pending;
    this.pending = [];
    if (first !== undefined) this.take(this.shard.appendFailed(first.writeId, errorCode, this.now));
  }

  init(expected: { producerId: number; producerEpoch: number } | null = null, timeoutMs = 60_000) {
    return this.identify((freshProducerId, ticket) => ({
      type: "initProducerId",
      transactionalId: ID,
      timeoutMs,
      expected,
      freshProducerId,
      ticket,
    }));
  }

  add(identity: { producerId: number; producerEpoch: number }, clientTransactionVersion = 2): number {
    return this.ask<number>((ticket) => ({
      type: "addPartitions",
      transactionalId: ID,
      producerId: identity.producerId,
      producerEpoch: identity.producerEpoch,
      partitions: PARTITIONS,
      clientTransactionVersion,
      ticket,
    }))!;
  }

  end(identity: { producerId: number; producerEpoch: number }, outcome: "commit" | "abort", version = 2) {
    return this.identify((freshProducerId, ticket) => ({
      type: "endTransaction",
      transactionalId: ID,
      producerId: identity.producerId,
      producerEpoch: identity.producerEpoch,
      outcome,
      clientTransactionVersion: version,
      freshProducerId,
      ticket,
    }));
  }

  state(): string {
    return this.describe().transactionState;
  }

  describe(): TransactionDescription {
    return this.ask<TransactionDescription>((ticket) => ({
      type: "describeTransaction",
      transactionalId: ID,
      ticket,
    }))!;
  }

  /** Answers the markers that are asked for, `errorCode` for the partition named. */
  answerMarkers(errorCodeOf: (partition: number) => number = () => ErrorCode.NONE): void {
    for (const { transactionalId, producerId, producerEpoch, partitions } of this.markers.splice(0)) {
      const outcomes: MarkerOutcome[] = [];
      for (const [topic, indexes] of partitions) {
        for (const partition of indexes) outcomes.push({ topic, partition, errorCode: errorCodeOf(partition) });
      }
      this.handle({ type: "markersAnswered", transactionalId, producerId, producerEpoch, outcomes });
    }
  }

  handle(request: TransactionRequest): void {
    this.take(this.shard.handle(request, this.now));
  }

  ask<Response>(request: (ticket: Ticket<Response>) => TransactionRequest): Response | undefined {
    let answer: Response | undefined;
    this.handle(
      request({
        complete(response) {
          answer = response;
        },
      }),
    );
    return answer;
  }

  private identify(
    request: (
      fresh: number | null,
      ticket: Ticket<ProducerIdentityAnswer | typeof NEEDS_PRODUCER_ID>,
    ) => TransactionRequest,
  ): ProducerIdentityAnswer {
    const answer = this.ask<ProducerIdentityAnswer | typeof NEEDS_PRODUCER_ID>((ticket) => request(null, ticket));
    if (answer !== NEEDS_PRODUCER_ID) return answer!;
    const fresh = this.nextProducerId++;
    return this.ask<ProducerIdentityAnswer | typeof NEEDS_PRODUCER_ID>((ticket) =>
      request(fresh, ticket),
    ) as ProducerIdentityAnswer;
  }

  private take({ records, writeId, replies, effects = [] }: TransactionStepResult): void {
    for (const reply of replies) deliver(reply);
    this.markers.push(...effects);
    if (writeId === null) return;
    if (this.holdsCommits) this.pending.push({ writeId, records });
    else this.commit(writeId, records);
  }

  private commit(writeId: number, records: readonly TransactionRecord[]): void {
    this.log.push(...records.map(encodeTransactionRecord));
    this.take(this.shard.committed(writeId, this.now));
  }
}

describe("the end of a transaction", () => {
  it("is complete only when all markers are written, and those that failed are asked for again", () => {
    const harness = new Harness();
    const identity = harness.init();
    harness.add(identity);
    harness.end(identity, "commit");
    expect(harness.state()).toBe("PrepareCommit");
    harness.answerMarkers((partition) => (partition === 1 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.NONE));
    expect(harness.state()).toBe("PrepareCommit");
    harness.advance(100);
    expect(harness.markers.map(({ partitions }) => partitions)).toEqual([new Map([["t", new Set([1])]])]);
    harness.answerMarkers();
    expect(harness.state()).toBe("CompleteCommit");
  });

  it("is carried out by the next coordinator, in its own epoch, when this one dies before the markers are written", () => {
    const harness = new Harness();
    const identity = harness.init();
    harness.add(identity);
    harness.end(identity, "abort");
    harness.load();
    expect(harness.markers).toMatchObject([{ outcome: "abort", coordinatorEpoch: 2, producerEpoch: 1 }]);
    harness.answerMarkers();
    expect(harness.state()).toBe("CompleteAbort");
  });

  it("is not told before it is durable, and comes to nothing where its record is refused", () => {
    const harness = new Harness();
    const identity = harness.init();
    harness.add(identity);
    harness.holdsCommits = true;
    let answer: ProducerIdentityAnswer | symbol | undefined;
    harness.handle({
      type: "endTransaction",
      transactionalId: ID,
      producerId: identity.producerId,
      producerEpoch: identity.producerEpoch,
      outcome: "commit",
      clientTransactionVersion: 2,
      freshProducerId: null,
      ticket: {
        complete(response) {
          answer = response;
        },
      },
    });
    expect(answer).toBeUndefined();
    expect(harness.add(identity)).toBe(ErrorCode.CONCURRENT_TRANSACTIONS);
    harness.failAll(ErrorCode.NOT_ENOUGH_REPLICAS);
    expect(answer).toMatchObject({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE });
    expect(harness.state()).toBe("Ongoing");
    expect(harness.markers).toEqual([]);
  });

  it("is left to whoever is newer, where a partition has heard of one", () => {
    const harness = new Harness();
    const identity = harness.init();
    harness.add(identity);
    harness.end(identity, "commit");
    harness.answerMarkers(() => ErrorCode.TRANSACTION_COORDINATOR_FENCED);
    harness.advance(60_000);
    expect(harness.markers).toEqual([]);
    expect(harness.state()).toBe("PrepareCommit");
  });
});

describe("epochs", () => {
  it.each([1, 2])(
    "last for 70,000 transactions on one id, past exhaustion twice (transactions v%i)",
    (version) => {
      const harness = new Harness();
      let identity = harness.init();
      const producerIds = new Set<number>();
      const used = new Set<string>();
      for (let transaction = 0; transaction < 70_000; transaction++) {
        producerIds.add(identity.producerId);
        const name = `${identity.producerId}:${identity.producerEpoch}`;
        if (used.has(name)) throw new Error(`${name} is used by two transactions`);
        used.add(name);
        const added = harness.add(identity, version);
        const ended = harness.end(identity, transaction % 7 === 0 ? "abort" : "commit", version);
        // To call expect() each time takes longer than all the rest.
        if (added !== ErrorCode.NONE || ended.errorCode !== ErrorCode.NONE)
          throw new Error(`transaction ${transaction} was answered ${added} and ${ended.errorCode}`);
        harness.answerMarkers();
        // In the first generation a producer starts anew for each, as one does that restarts.
        identity = version === 2 ? ended : harness.init();
        if (transaction % 5_000 === 0) {
          harness.load();
          harness.log.splice(0, harness.log.length - 1);
        }
      }
      expect(producerIds.size).toBe(3);
    },
    60_000,
  );

  it("of a fenced producer are past, also across a load: its commit fails, and its successor has a later one", () => {
    const harness = new Harness();
    const first = harness.init();
    harness.add(first);
    expect(harness.init().errorCode).toBe(ErrorCode.CONCURRENT_TRANSACTIONS);
    harness.load();
    harness.answerMarkers();
    expect(harness.end(first, "commit").errorCode).toBe(ErrorCode.INVALID_TXN_STATE);
    expect(harness.end(first, "commit", 1).errorCode).toBe(ErrorCode.PRODUCER_FENCED);
    expect(harness.add(first)).toBe(ErrorCode.PRODUCER_FENCED);
    expect(harness.init().producerEpoch).toBe(2);
  });

  it("are given once for a request that is repeated, since its answer was lost (KIP-360)", () => {
    const harness = new Harness();
    const first = harness.init();
    const bumped = harness.init(first);
    expect(bumped.producerEpoch).toBe(1);
    expect(harness.init(first)).toEqual(bumped);
    expect(harness.init(harness.init(bumped)).producerEpoch).toBe(3);
    expect(harness.init(first).errorCode).toBe(ErrorCode.PRODUCER_FENCED);
  });
});

describe("time", () => {
  it("aborts what has been open for too long, and forgets ids at rest", () => {
    const harness = new Harness({ transactionalIdExpirationMs: 7_200_000 });
    const identity = harness.init(null, 5_000);
    harness.add(identity);
    harness.advance(5_000);
    expect(harness.state()).toBe("Ongoing");
    harness.advance(10_000);
    expect(harness.state()).toBe("PrepareAbort");
    harness.answerMarkers();
    expect(harness.state()).toBe("CompleteAbort");
    harness.advance(11_000_000);
    expect(harness.describe().errorCode).toBe(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND);
    expect(harness.log.at(-1)!.value).toBeNull();
    harness.load();
    expect(harness.shard.transactionCount).toBe(0);
  });
});

describe("bad input", () => {
  const wrong = (producerId: number, producerEpoch: number) => ({ producerId, producerEpoch });

  it.each([
    ["an unknown id", () => new Harness().end(wrong(1, 0), "commit").errorCode, ErrorCode.INVALID_PRODUCER_ID_MAPPING],
    ["an unknown id", () => new Harness().add(wrong(1, 0)), ErrorCode.INVALID_PRODUCER_ID_MAPPING],
    ["no timeout", () => new Harness().init(null, 0).errorCode, ErrorCode.INVALID_TRANSACTION_TIMEOUT],
    ["too long a timeout", () => new Harness().init(null, 900_001).errorCode, ErrorCode.INVALID_TRANSACTION_TIMEOUT],
  ])("%s", (_, errorCodeOf, expected) => expect(errorCodeOf()).toBe(expected));

  it.each([
    ["another producer id", 7, 0, ErrorCode.INVALID_PRODUCER_ID_MAPPING, ErrorCode.INVALID_PRODUCER_ID_MAPPING],
    ["an older epoch", 0, -1, ErrorCode.PRODUCER_FENCED, ErrorCode.PRODUCER_FENCED],
    ["a newer epoch", 0, 1, ErrorCode.PRODUCER_FENCED, ErrorCode.PRODUCER_FENCED],
  ])("%s leaves the open transaction alone", (_, idOffset, epochOffset, added, ended) => {
    const harness = new Harness();
    const identity = harness.init();
    harness.add(identity);
    const stranger = wrong(identity.producerId + idOffset, identity.producerEpoch + epochOffset);
    expect(harness.add(stranger)).toBe(added);
    for (const version of [0, 2]) expect(harness.end(stranger, "commit", version).errorCode).toBe(ended);
    expect(harness.state()).toBe("Ongoing");
    expect(harness.end(identity, "commit").errorCode).toBe(ErrorCode.NONE);
  });

  const { NONE, INVALID_TXN_STATE, CONCURRENT_TRANSACTIONS, PRODUCER_FENCED } = ErrorCode;
  it.each([
    ["Empty", 0, INVALID_TXN_STATE, INVALID_TXN_STATE],
    ["Empty", 2, INVALID_TXN_STATE, NONE],
    ["PrepareCommit", 0, CONCURRENT_TRANSACTIONS, INVALID_TXN_STATE],
    ["PrepareAbort", 0, INVALID_TXN_STATE, CONCURRENT_TRANSACTIONS],
    ["CompleteCommit", 0, NONE, INVALID_TXN_STATE],
    ["CompleteAbort", 0, INVALID_TXN_STATE, NONE],
    ["PrepareCommit", 2, CONCURRENT_TRANSACTIONS, INVALID_TXN_STATE],
    ["PrepareAbort", 2, INVALID_TXN_STATE, CONCURRENT_TRANSACTIONS],
    ["CompleteCommit", 2, NONE, INVALID_TXN_STATE],
    ["CompleteAbort", 2, INVALID_TXN_STATE, NONE],
  ])("EndTxn, repeated or too much, in %s (transactions v%i)", (state, version, onCommit, onAbort) => {
    for (const [outcome, expected] of [
      ["commit", onCommit],
      ["abort", onAbort],
    ] as const) {
      const harness = new Harness();
      const identity = harness.init();
      if (state !== "Empty") {
        harness.add(identity, version);
        harness.end(identity, state.endsWith("Commit") ? "commit" : "abort", version);
        if (state.startsWith("Complete")) harness.answerMarkers();
      }
      expect(harness.state()).toBe(state);
      expect(harness.end(identity, outcome, version).errorCode).toBe(expected);
    }
  });

  it("in the second generation no epoch but the present one begins a transaction", () => {
    const harness = new Harness();
    const first = harness.init();
    harness.add(first);
    const second = harness.end(first, "commit");
    harness.answerMarkers();
    expect(harness.add(first)).toBe(PRODUCER_FENCED);
    expect(harness.add(second)).toBe(NONE);
  });
});

/** Everything that can happen to one id, at random, against what must hold. */
describe("a random history", () => {
  const SEEDS = Number(process.env.OTTLA_TEST_SEEDS ?? 150);
  const FIRST_SEED = Number(process.env.OTTLA_TEST_SEED ?? 1);
  const counts: Record<string, number> = {};
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };

  it(`of ${SEEDS} seeds: no transaction ends in two ways, and each ends`, () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) runHistory(seed, count);
    console.log("transactions, a random history:", JSON.stringify(counts));
    for (const what of ["crash", "refused", "lost answer", "repeated end", "timeout", "zombie", "marker failed"]) {
      expect(counts[what], what).toBeGreaterThan(0);
    }
    for (const state of ["Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort"]) {
      expect(counts[state], state).toBeGreaterThan(0);
    }
  });
});

function runHistory(seed: number, count: (what: string) => void): void {
  const random = seededRandom(seed);
  const chance = (probability: number) => random.nextFloat() < probability;
  const harness = new Harness();
  const identities: ProducerIdentityAnswer[] = [];
  /** What EndTxn was acknowledged with, by the identity of the transaction. */
  const promised = new Map<string, string>();
  const marked = new Map<string, Set<string>>();
  const nameOf = ({ producerId, producerEpoch }: { producerId: number; producerEpoch: number }) =>
    `${producerId}:${producerEpoch}`;
  for (let step = 0; step < 120; step++) {
    count(harness.state() || "none");
    if (chance(0.05)) {
      count("crash");
      harness.load();
    }
    if (chance(0.05)) {
      count("timeout");
      harness.advance(80_000);
    }
    harness.advance(100);
    if (chance(0.7)) {
      for (const { producerId, producerEpoch, outcome } of harness.markers) {
        const name = nameOf({ producerId, producerEpoch });
        marked.set(name, (marked.get(name) ?? new Set()).add(outcome));
      }
      const fails = chance(0.3);
      if (fails && harness.markers.length > 0) count("marker failed");
      harness.answerMarkers((partition) => (fails && partition === 1 ? ErrorCode.REQUEST_TIMED_OUT : ErrorCode.NONE));
    }
    const last = identities.at(-1);
    if (last === undefined || chance(0.1)) {
      const started = harness.init(last !== undefined && chance(0.3) ? last : null);
      if (started.errorCode === ErrorCode.NONE) identities.push(started);
      continue;
    }
    const isZombie = identities.length > 1 && chance(0.2);
    const actor = isZombie ? identities[random.nextInt(identities.length - 1)]! : last;
    if (isZombie) count("zombie");
    if (chance(0.1)) {
      count("refused");
      harness.holdsCommits = true;
      harness.handle({
        type: "addPartitions",
        transactionalId: ID,
        producerId: actor.producerId,
        producerEpoch: actor.producerEpoch,
        partitions: new Map([["u", new Set([step])]]),
        clientTransactionVersion: 2,
        ticket: { complete: () => {} },
      });
      harness.holdsCommits = false;
      harness.failAll(ErrorCode.NOT_ENOUGH_REPLICAS);
      continue;
    }
    if (chance(0.5)) {
      const added = harness.add(actor);
      if (isZombie && added === ErrorCode.NONE && actor.producerEpoch !== harness.describe().producerEpoch) {
        throw new Error(`seed ${seed}: a zombie has added partitions`);
      }
      continue;
    }
    const outcome = chance(0.6) ? "commit" : "abort";
    const ended = harness.end(actor, outcome);
    if (ended.errorCode !== ErrorCode.NONE) continue;
    const before = promised.get(nameOf(actor));
    if (before !== undefined) count("repeated end");
    if (before !== undefined && before !== outcome) throw new Error(`seed ${seed}: ${nameOf(actor)} ended in two ways`);
    promised.set(nameOf(actor), outcome);
    if (chance(0.3)) count("lost answer");
    else if (nameOf(ended) !== nameOf(last)) identities.push(ended);
  }
  for (let round = 0; round < 5; round++) {
    harness.advance(80_000);
    harness.answerMarkers();
  }
  const state = harness.state();
  if (!/^(Empty|Complete)/.test(state)) throw new Error(`seed ${seed}: the transaction hangs in ${state}`);
  for (const [name, outcomes] of marked) {
    if (outcomes.size > 1) throw new Error(`seed ${seed}: markers of ${name} say both`);
  }
}

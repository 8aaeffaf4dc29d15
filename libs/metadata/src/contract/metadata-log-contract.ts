import { createSystemRuntime } from "@ottla/runtime";
import { MetadataFollower } from "../log/metadata-follower.ts";
import { RECORD_OVERHEAD_BYTES_MAX } from "../log/metadata-log.ts";
import { serializeRecord } from "../records/record-serde.ts";
import {
  appendUntilKnown,
  BROKER_1,
  BROKER_2,
  becomeController,
  type ContractCase,
  feature,
  levelsOf,
  readAll,
  testUuid,
} from "./contract-harness.ts";
import { eventually, expectEqual, expectThat } from "./expectations.ts";

/** Three of them are more than a znode holds. */
const SNAPSHOT_RECORD_BYTES = 400 * 1024;

/** A record of so many bytes. */
function largeConfig(name: string, sizeBytes: number): Uint8Array {
  const recordOf = (length: number) =>
    serializeRecord({ type: "ConfigRecord", resourceType: 4, resourceName: "1", name, value: "v".repeat(length) });
  // The length of the length changes with the length.
  const withoutMost = recordOf(sizeBytes - 100).length - (sizeBytes - 100);
  return recordOf(sizeBytes - withoutMost);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/**
 * What every metadata log must do, wherever it keeps its entries. Run each case on a new, empty log:
 * `for (const rule of metadataLogContract) it(rule.name, () => rule.run(harness))`.
 */
export const metadataLogContract: readonly ContractCase[] = [
  {
    name: "an empty log ends at 0 and has nothing to read",
    async run(harness) {
      const log = await harness.connect();
      expectEqual(await log.head(), { endOffset: 0, epoch: -1, logStartOffset: 0 }, "the head");
      expectEqual(await log.read(0), { kind: "entries", entries: [] }, "reading");
      expectEqual(await log.loadSnapshot(), null, "the snapshot");
    },
  },
  {
    name: "all brokers agree on the cluster's id: the first one that was proposed",
    needsShared: true,
    async run(harness) {
      const [first, second] = [await harness.connect(), await harness.connect()];
      expectEqual(await first.clusterId(testUuid(1)), testUuid(1), "the first proposal");
      expectEqual(await second.clusterId(testUuid(2)), testUuid(1), "what another broker is told");
      expectEqual(await first.clusterId(testUuid(3)), testUuid(1), "what the first is told again");
    },
  },
  {
    name: "an append gives each record an offset and can be read back",
    async run(harness) {
      const log = await harness.connect();
      const epoch = await becomeController(log);
      const first = await appendUntilKnown(log, epoch, 0, [feature(1), feature(2)]);
      expectEqual(first, { kind: "done", endOffset: 2 }, "the first append");
      const second = await appendUntilKnown(log, epoch, 2, [feature(3)]);
      expectEqual(second, { kind: "done", endOffset: 3 }, "the second append");
      expectEqual(await log.head(), { endOffset: 3, epoch, logStartOffset: 0 }, "the head");
      const entries = await readAll(log);
      expectEqual(levelsOf(entries), [1, 2, 3], "what was appended");
      expectEqual(
        entries.map(({ baseOffset, endOffset }) => [baseOffset, endOffset]),
        [
          [0, 2],
          [2, 3],
        ],
        "the entries",
      );
      expectEqual(levelsOf(await readAll(log, 2)), [3], "reading from the middle");
    },
  },
  {
    name: "an append at any offset but the end is not done",
    async run(harness) {
      const log = await harness.connect();
      const epoch = await becomeController(log);
      await appendUntilKnown(log, epoch, 0, [feature(1)]);
      expectEqual(await appendUntilKnown(log, epoch, 0, [feature(2)]), { kind: "not-controller" }, "too low");
      expectEqual(await appendUntilKnown(log, epoch, 5, [feature(2)]), { kind: "not-controller" }, "too high");
      expectEqual(levelsOf(await readAll(log)), [1], "the log");
    },
  },
  {
    name: "an append in another epoch than the controller's is not done",
    async run(harness) {
      const log = await harness.connect();
      const epoch = await becomeController(log);
      expectEqual(await appendUntilKnown(log, epoch - 1, 0, [feature(1)]), { kind: "not-controller" }, "an old epoch");
      expectEqual(
        await appendUntilKnown(log, epoch + 1, 0, [feature(1)]),
        { kind: "not-controller" },
        "a future epoch",
      );
      expectEqual(await readAll(log), [], "the log");
    },
  },
  {
    name: "without an office nothing can be appended",
    async run(harness) {
      const log = await harness.connect();
      expectEqual(await appendUntilKnown(log, 0, 0, [feature(1)]), { kind: "not-controller" }, "before any election");
      const epoch = await becomeController(log);
      await log.election.resign(epoch);
      expectEqual(await log.election.current(), null, "the office");
      expectEqual(await appendUntilKnown(log, epoch, 0, [feature(1)]), { kind: "not-controller" }, "after resigning");
    },
  },
  {
    name: "an append that is repeated is done once",
    async run(harness) {
      const log = await harness.connect();
      const controllerEpoch = await becomeController(log);
      const append = { id: testUuid(1), controllerEpoch, expectedOffset: 0, records: [feature(1)] };
      const outcomes = [];
      while (outcomes.length < 3) {
        const outcome = await log.append(append);
        if (outcome.kind !== "unknown") outcomes.push(outcome);
      }
      const done = { kind: "done", endOffset: 1 };
      expectEqual(outcomes, [done, done, done], "the outcomes");
      expectEqual(levelsOf(await readAll(log)), [1], "the log");
    },
  },
  {
    name: "a hint comes when the log grows, and none after it was declined",
    async run(harness) {
      const log = await harness.connect();
      const epoch = await becomeController(log);
      let hints = 0;
      const unsubscribe = log.onHeadMoved(() => hints++);
      let endOffset = 0;
      await eventually(async () => {
        await appendUntilKnown(log, epoch, endOffset++, [feature(1)]);
        return hints > 0;
      }, "a hint");
      unsubscribe();
      const before = hints;
      await appendUntilKnown(log, epoch, endOffset, [feature(2)]);
      expectEqual(hints, before, "hints after unsubscribing");
    },
  },
  {
    name: "a snapshot takes the place of the entries before it",
    async run(harness) {
      const log = await harness.connect();
      const epoch = await becomeController(log);
      await appendUntilKnown(log, epoch, 0, [feature(1)]);
      await appendUntilKnown(log, epoch, 1, [feature(2)]);
      await log.storeSnapshot({ endOffset: 2, epoch, records: [feature(2)] });
      await appendUntilKnown(log, epoch, 2, [feature(3)]);
      expectEqual(await log.read(0), { kind: "trimmed", logStartOffset: 2 }, "reading what was let go");
      const snapshot = await log.loadSnapshot();
      expectThat(snapshot !== null, "there is a snapshot");
      expectEqual([snapshot.endOffset, snapshot.epoch], [2, epoch], "where the snapshot ends");
      expectEqual(Array.from(snapshot.records[0]!), Array.from(feature(2)), "the snapshot's record");
      expectEqual(levelsOf(await readAll(log, 2)), [3], "the entries after it");
      expectEqual(await log.head(), { endOffset: 3, epoch, logStartOffset: 2 }, "the head");
    },
  },
  {
    name: "an append may be as large as the log says, and no record of it is lost",
    async run(harness) {
      const log = await harness.connect();
      const epoch = await becomeController(log);
      const record = largeConfig("large", log.appendBytesMax - 2 * RECORD_OVERHEAD_BYTES_MAX - feature(1).length);
      const outcome = await appendUntilKnown(log, epoch, 0, [record, feature(1)]);
      expectEqual(outcome, { kind: "done", endOffset: 2 }, "the append");
      const [read] = (await readAll(log)).flatMap(({ records }) => records);
      expectThat(read !== undefined && isSame(read, record), "the record is what was appended");
    },
  },
  {
    name: "a snapshot may be larger than an append, and who has read less than it stands for goes on from it",
    async run(harness) {
      const log = await harness.connect();
      const epoch = await becomeController(log);
      const follower = new MetadataFollower(log, createSystemRuntime());
      await appendUntilKnown(log, epoch, 0, [feature(1)]);
      await follower.catchUpTo(0);
      const large = ["a", "b", "c"].map((name) => largeConfig(name, SNAPSHOT_RECORD_BYTES));
      for (const [index, record] of large.entries()) await appendUntilKnown(log, epoch, 1 + index, [record]);
      await log.storeSnapshot({ endOffset: 4, epoch, records: [feature(1), ...large] });
      await appendUntilKnown(log, epoch, 4, [feature(2)]);
      expectEqual((await log.read(1)).kind, "trimmed", "reading on");
      const snapshot = await log.loadSnapshot();
      const records = snapshot?.records ?? [];
      expectEqual(records.length, 1 + large.length, "the snapshot's records");
      for (const [index, record] of large.entries())
        expectThat(isSame(records[1 + index]!, record), `record ${index} of the snapshot is what was stored`);
      const image = await follower.catchUpTo(4);
      expectEqual(image.offset, 4, "how far the follower has come");
      expectEqual(image.features.get("test.version"), 2, "what it has read behind the snapshot");
      follower.stop();
    },
  },
  {
    name: "an empty log begins with what a broker on its own had, once, and goes on from there",
    needsShared: true,
    async run(harness) {
      const [first, second] = [await harness.connect(), await harness.connect()];
      const snapshot = { endOffset: 40, epoch: 0, records: [feature(1), feature(2)] };
      expectEqual(await first.adopt(snapshot, testUuid(1)), true, "the first time");
      await harness.crash(first);
      const again = await harness.connect();
      expectEqual(await again.adopt(snapshot, testUuid(1)), true, "the same again");
      expectEqual(await second.adopt({ ...snapshot, endOffset: 50 }, testUuid(2)), false, "another broker's");
      expectEqual(await second.head(), { endOffset: 40, epoch: 0, logStartOffset: 40 }, "the head");
      expectEqual(await second.read(0), { kind: "trimmed", logStartOffset: 40 }, "reading from the beginning");
      expectEqual(
        (await second.loadSnapshot())?.records.map((record) => [...record]),
        [...snapshot.records].map((record) => [...record]),
        "the snapshot",
      );
      const epoch = await becomeController(second);
      expectEqual(await appendUntilKnown(second, epoch, 40, [feature(3)]), { kind: "done", endOffset: 41 }, "going on");
      await second.storeSnapshot({ endOffset: 41, epoch, records: [feature(3)] });
      expectEqual(await again.adopt(snapshot, testUuid(1)), true, "the same after all that");
    },
  },
  {
    name: "a log that has begun without it adopts nothing",
    async run(harness) {
      const log = await harness.connect();
      const epoch = await becomeController(log);
      await appendUntilKnown(log, epoch, 0, [feature(1)]);
      expectEqual(await log.adopt({ endOffset: 9, epoch: 0, records: [feature(2)] }, testUuid(1)), false, "adopting");
      expectEqual(levelsOf(await readAll(log)), [1], "the log");
    },
  },
  {
    name: "entries, snapshots and epochs outlive a crash",
    async run(harness) {
      const log = await harness.connect();
      const epoch = await becomeController(log);
      await appendUntilKnown(log, epoch, 0, [feature(1)]);
      await log.storeSnapshot({ endOffset: 1, epoch, records: [feature(1)] });
      await appendUntilKnown(log, epoch, 1, [feature(2)]);
      await harness.crash(log);
      const again = await harness.connect();
      expectEqual(await again.head(), { endOffset: 2, epoch, logStartOffset: 1 }, "the head");
      expectEqual((await again.loadSnapshot())?.endOffset, 1, "the snapshot's end");
      expectEqual(levelsOf(await readAll(again, 1)), [2], "the entries");
      const next = await becomeController(again);
      expectThat(next > epoch, "the next controller has a higher epoch");
      expectEqual(await appendUntilKnown(again, next, 2, [feature(3)]), { kind: "done", endOffset: 3 }, "going on");
    },
  },
  {
    name: "who is announced is alive until it withdraws",
    async run(harness) {
      const log = await harness.connect();
      let hints = 0;
      log.liveness.onChange(() => hints++);
      expectEqual(await log.liveness.live(), [], "at first");
      await log.liveness.announce(BROKER_1);
      expectEqual(await log.liveness.live(), [BROKER_1], "after the announcement");
      await log.liveness.withdraw(BROKER_1.brokerId);
      expectEqual(await log.liveness.live(), [], "after withdrawing");
    },
  },
  {
    name: "who is announced once more stays what it was, and keeps the office",
    async run(harness) {
      const log = await harness.connect();
      const controllerEpoch = await becomeController(log);
      expectEqual(await log.liveness.announce(BROKER_1), { kind: "done" }, "announcing again");
      expectEqual(await log.election.current(), { controllerId: 1, controllerEpoch }, "who is controller");
      expectEqual(
        (await appendUntilKnown(log, controllerEpoch, 0, [feature(1)])).kind,
        "done",
        "an append in that office",
      );
    },
  },
  {
    name: "a broker that starts again from the same directory replaces its own announcement",
    async run(harness) {
      const log = await harness.connect();
      await log.liveness.announce(BROKER_1);
      await harness.crash(log);
      const again = await harness.connect();
      const restarted = { ...BROKER_1, incarnationId: testUuid(999) };
      expectEqual(await again.liveness.announce(restarted), { kind: "done" }, "announcing again");
      expectEqual(await again.liveness.live(), [restarted], "who is alive");
    },
  },
  {
    name: "who was replaced from a copy of its directory takes back nothing",
    needsShared: true,
    async run(harness) {
      const [first, second] = [await harness.connect(), await harness.connect()];
      await first.liveness.announce(BROKER_1);
      const copy = { ...BROKER_1, incarnationId: testUuid(999) };
      expectEqual(await second.liveness.announce(copy), { kind: "done" }, "announcing the copy");
      await first.liveness.withdraw(BROKER_1.brokerId);
      expectEqual(await second.liveness.live(), [copy], "who is alive");
    },
  },
  {
    name: "two directories cannot be one broker at a time",
    needsShared: true,
    async run(harness) {
      const [first, second] = [await harness.connect(), await harness.connect()];
      await first.liveness.announce(BROKER_1);
      const impostor = { ...BROKER_2, brokerId: BROKER_1.brokerId };
      expectEqual(await second.liveness.announce(impostor), { kind: "id-in-use", by: BROKER_1 }, "announcing");
      await first.liveness.withdraw(BROKER_1.brokerId);
      expectEqual(await second.liveness.announce(impostor), { kind: "done" }, "announcing once it is free");
    },
  },
  {
    name: "there is one controller, and the next one comes when it goes",
    needsShared: true,
    async run(harness) {
      const [first, second] = [await harness.connect(), await harness.connect()];
      const epoch = await becomeController(first, BROKER_1);
      await second.liveness.announce(BROKER_2);
      await eventually(async () => {
        const outcome = await second.election.claim(BROKER_2.brokerId);
        expectThat(outcome.kind !== "won", "nobody wins while the office is taken");
        return outcome.kind === "lost" && outcome.to.controllerId === BROKER_1.brokerId;
      }, "the claim is lost to broker 1");
      await first.election.resign(epoch);
      const next = await becomeController(second, BROKER_2);
      expectThat(next > epoch, "the epoch grows");
      expectEqual(await second.election.current(), { controllerId: 2, controllerEpoch: next }, "the controller");
    },
  },
  {
    name: "a controller that comes back to the office goes on from where the other one has left the log",
    needsShared: true,
    async run(harness) {
      const [first, second] = [await harness.connect(), await harness.connect()];
      const epoch = await becomeController(first, BROKER_1);
      await appendUntilKnown(first, epoch, 0, [feature(1)]);
      await first.election.resign(epoch);
      const next = await becomeController(second, BROKER_2);
      await appendUntilKnown(second, next, 1, [feature(2)]);
      await second.election.resign(next);
      const again = await becomeController(first, BROKER_1);
      expectEqual(await appendUntilKnown(first, again, 2, [feature(3)]), { kind: "done", endOffset: 3 }, "the append");
      expectEqual(levelsOf(await readAll(second)), [1, 2, 3], "the log");
    },
  },
  {
    name: "a controller that was replaced changes nothing, and everybody reads what the new one wrote",
    needsShared: true,
    needsSessions: true,
    async run(harness) {
      const [first, second] = [await harness.connect(), await harness.connect()];
      const epoch = await becomeController(first, BROKER_1);
      await appendUntilKnown(first, epoch, 0, [feature(1)]);
      await harness.expireSession!(first);
      const next = await becomeController(second, BROKER_2);
      await appendUntilKnown(second, next, 1, [feature(2)]);
      expectEqual(
        await appendUntilKnown(first, epoch, 1, [feature(9)]),
        { kind: "not-controller" },
        "the zombie's append",
      );
      expectEqual(
        await appendUntilKnown(first, epoch, 2, [feature(9)]),
        { kind: "not-controller" },
        "the zombie's next",
      );
      expectEqual(levelsOf(await readAll(first)), [1, 2], "the log");
      expectEqual(
        (await readAll(second)).map((entry) => entry.epoch),
        [epoch, next],
        "the epochs",
      );
    },
  },
  {
    name: "an append that was left unknown when its controller was replaced is never done later",
    needsShared: true,
    needsSessions: true,
    async run(harness) {
      const [first, second] = [await harness.connect(), await harness.connect()];
      const controllerEpoch = await becomeController(first, BROKER_1);
      const append = { id: testUuid(7), controllerEpoch, expectedOffset: 0, records: [feature(1)] };
      const left = await first.append(append);
      await harness.expireSession!(first);
      const next = await becomeController(second, BROKER_2);
      const { endOffset } = await second.head();
      await appendUntilKnown(second, next, endOffset, [feature(2)]);
      const settled = levelsOf(await readAll(second));
      const repeated = await first.append(append);
      expectThat(left.kind !== "done" || repeated.kind !== "not-controller", "what was done stays done");
      expectEqual(levelsOf(await readAll(second)), settled, "the log after the repetition");
    },
  },
  {
    name: "a session that ends takes the announcement and the office with it, and the broker is told",
    needsSessions: true,
    async run(harness) {
      const log = await harness.connect();
      let lost = 0;
      log.liveness.onLost(() => lost++);
      const epoch = await becomeController(log);
      await harness.expireSession!(log);
      await eventually(() => lost > 0, "the broker is told");
      expectEqual(await log.liveness.live(), [], "who is alive");
      expectEqual(await log.election.current(), null, "the controller");
      expectEqual(await appendUntilKnown(log, epoch, 0, [feature(1)]), { kind: "not-controller" }, "appending");
      const next = await becomeController(log);
      expectThat(next > epoch, "it can come back, in a higher epoch");
    },
  },
];

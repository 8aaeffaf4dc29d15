import { createSystemRuntime } from "@ottla/runtime";
import { type ModelSession, ZooKeeperModel } from "@ottla/zookeeper";
import { expect, it } from "vitest";
import {
  appendUntilKnown,
  BROKER_1,
  becomeController,
  feature,
  levelsOf,
  readAll,
  testUuid,
} from "../../contract/contract-harness.ts";
import { ZooKeeperMetadataLog } from "./zookeeper-metadata-log.ts";

/** An ensemble in which the session of the first client ends, or moves, in the operation of that number. */
function start(endsAt: number, fault: "expired" | "moved") {
  const runtime = createSystemRuntime();
  let operations = 0;
  const model = new ZooKeeperModel({
    runtime,
    sessionTimeoutMs: 50,
    fault: () => (operations++ === endsAt ? fault : null),
  });
  const client = model.connect();
  const open = () => ZooKeeperMetadataLog.open({ client, root: "/ottla", runtime });
  return { model, runtime, client, open, hasEnded: () => operations > endsAt };
}

/** Runs it with the session hit in its first operation, its second, and so on, until all is done before that. */
async function atEveryStep(
  run: (log: ZooKeeperMetadataLog, client: ModelSession) => Promise<void>,
  fault: "expired" | "moved" = "expired",
): Promise<number> {
  for (let endsAt = 0; ; endsAt++) {
    const { open, hasEnded, client } = start(endsAt, fault);
    const log = await open();
    await run(log, client);
    await log.close();
    if (!hasEnded()) return endsAt;
  }
}

it("a session that ends while a broker opens the log, and announces itself, is followed by another one", async () => {
  const steps = await atEveryStep(async (log) => {
    expect(await log.clusterId(testUuid(1))).toBe(testUuid(1));
    let lost = 0;
    log.liveness.onLost(() => lost++);
    // Where it has ended after the announcement, the broker is told, and announces itself again.
    for (let seen = -1; seen !== lost; ) {
      seen = lost;
      expect(await log.liveness.announce(BROKER_1)).toEqual({ kind: "done" });
      const live = await log.liveness.live();
      if (lost === seen) expect(live).toEqual([BROKER_1]);
    }
  });
  expect(steps).toBeGreaterThan(15);
});

it("a controller whose session ends at any step has everything in the log once, after it has come back", async () => {
  const steps = await atEveryStep(async (log) => {
    const submit = async (offset: number, level: number) => {
      for (;;) {
        const epoch = await becomeController(log);
        const { endOffset } = await log.head();
        if (endOffset > offset) return epoch;
        const outcome = await appendUntilKnown(log, epoch, offset, [feature(level)]);
        if (outcome.kind === "done") return epoch;
      }
    };
    await submit(0, 1);
    const epoch = await submit(1, 2);
    await log.storeSnapshot({ endOffset: 1, epoch, records: [feature(1)] }).catch(() => {});
    await submit(2, 3);
    const slice = await log.read(0);
    const from = slice.kind === "trimmed" ? slice.logStartOffset : 0;
    expect(levelsOf(await readAll(log, from))).toEqual([1, 2, 3].slice(from));
    if (from > 0) expect((await log.loadSnapshot())?.records).toEqual([feature(1)]);
  });
  expect(steps).toBeGreaterThan(30);
});

it("a session that another server has by now loses nothing: office, announcement and snapshots go on as they were", async () => {
  const steps = await atEveryStep(async (log) => {
    expect(await log.clusterId(testUuid(1))).toBe(testUuid(1));
    let lost = 0;
    log.liveness.onLost(() => lost++);
    const epoch = await becomeController(log);
    await appendUntilKnown(log, epoch, 0, [feature(1)]);
    await appendUntilKnown(log, epoch, 1, [feature(2)]);
    await log.storeSnapshot({ endOffset: 1, epoch, records: [feature(1)] });
    expect(await appendUntilKnown(log, epoch, 2, [feature(3)])).toEqual({ kind: "done", endOffset: 3 });
    expect(await log.read(0)).toEqual({ kind: "trimmed", logStartOffset: 1 });
    expect(levelsOf(await readAll(log, 1))).toEqual([2, 3]);
    expect((await log.loadSnapshot())?.records).toEqual([feature(1)]);
    expect([await log.liveness.live(), lost]).toEqual([[BROKER_1], 0]);
    await log.election.resign(epoch);
    expect(await log.election.current()).toBeNull();
  }, "moved");
  expect(steps).toBeGreaterThan(40);
});

it("what a lone broker had is adopted once, though its session moves meanwhile", async () => {
  const snapshot = { endOffset: 40, epoch: 0, records: [feature(1)] };
  await atEveryStep(async (log) => {
    expect(await log.adopt(snapshot, testUuid(1))).toBe(true);
    expect(await log.head()).toEqual({ endOffset: 40, epoch: 0, logStartOffset: 40 });
  }, "moved");
});

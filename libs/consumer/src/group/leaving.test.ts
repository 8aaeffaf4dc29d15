import { sleep } from "@ottla/client/internal";
import { ErrorCode, heartbeatApi, listOffsetsApi } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import type { TopicPartition } from "../index.ts";
import { kafka, member, runtime, story, take, useGroup } from "../test-support/group-fixture.ts";
import { readAll, settle } from "../test-support/reading.ts";

useGroup();

describe("a tab in the background whose timers run once a minute", () => {
  const SESSION_MS = 45_000;

  /** The coordinator puts out who is not heard of for a session. */
  function expelTheSilent(): void {
    let heardAtMs: number | undefined;
    const verdict = () => {
      const nowMs = runtime.clock.monotonicMs();
      const silentMs = nowMs - (heardAtMs ?? nowMs);
      heardAtMs = nowMs;
      return silentMs > SESSION_MS ? ErrorCode.UNKNOWN_MEMBER_ID : ErrorCode.NONE;
    };
    kafka.cluster.handle(heartbeatApi, () => ({ errorCode: verdict() }));
    kafka.consumerVerdict = ({ memberEpoch }) => {
      if (memberEpoch !== 0) return verdict();
      heardAtMs = runtime.clock.monotonicMs();
      return ErrorCode.NONE;
    };
  }

  function throttleTimers(): () => void {
    const { schedule } = runtime.timers;
    runtime.timers.schedule = (delayMs, callback, options) =>
      schedule(delayMs >= 1_000 ? Math.ceil(delayMs / 60_000) * 60_000 : delayMs, callback, options);
    return () => {
      runtime.timers.schedule = schedule;
    };
  }

  test.each(["classic", "consumer"] as const)("%s: stays in the group while it reads", async (groupProtocol) => {
    expelTheSilent();
    const consumer = member({ groupProtocol });
    const { values } = readAll(consumer);
    await runtime.advance(100);
    const restore = throttleTimers();
    await runtime.advance(300_000);
    kafka.append("t", 0, ["late"]);
    await runtime.advance(1_000);
    restore();
    expect([values, story]).toEqual([["late"], ["onAssigned t-0 t-1"]]);
  });

  test.each(["classic", "consumer"] as const)(
    "%s: that reads nothing is put out, and is a member again as soon as it hears of it",
    async (groupProtocol) => {
      expelTheSilent();
      const consumer = member({ groupProtocol });
      const { values } = readAll(consumer);
      await runtime.advance(7_000);
      consumer.pause();
      await runtime.advance(600);
      const restore = throttleTimers();
      await runtime.advance(125_000);
      restore();
      expect(story.slice(0, 3)).toEqual(["onAssigned t-0 t-1", "onLost t-0 t-1", "onAssigned t-0 t-1"]);
      expect(consumer.membershipState).toBe("stable");
      kafka.append("t", 0, ["late"]);
      await runtime.advance(1_000);
      expect(values).toEqual(["late"]);
    },
  );
});

describe("a handler that hangs", () => {
  test("is reported, left out of the group, and let back in", async () => {
    kafka.append("t", 0, ["a", "b", "c"]);
    const consumer = member({ maxPollIntervalMs: 20_000, autoCommitIntervalMs: 100_000 });
    const hangs: number[] = [];
    consumer.on("handlerHangs", ({ maxPollIntervalMs }) => hangs.push(maxPollIntervalMs));
    const loop = consumer.records();
    await take(loop, 2);
    await runtime.advance(26_000);
    expect(hangs).toEqual([20_000]);
    expect(kafka.leaves.map(({ members }) => members[0])).toMatchObject([
      { memberId: "member-1", reason: "the handler hangs" },
    ]);
    expect(consumer.membershipState).toBe("suspended");
    expect(story).toEqual(["onAssigned t-0 t-1", "onLost t-0 t-1"]);
    expect(kafka.committed.get("t:0")).toBe(1);
    await runtime.advance(60_000);
    expect((await settle(runtime, loop.next())).value.value).toBe("b");
    expect(consumer.membershipState).toBe("stable");
  });

  test("is not one that takes its time but asks for more", async () => {
    kafka.append("t", 0, ["a", "b", "c", "d", "e"]);
    const consumer = member({ maxPollIntervalMs: 20_000 });
    const loop = consumer.records();
    for (let read = 0; read < 5; read++) {
      await take(loop, 1);
      await runtime.advance(14_000);
    }
    expect(consumer.membershipState).toBe("stable");
  });
});

describe("closing", () => {
  test("what is subscribed or assigned in a listener while it unsubscribes is refused, not lost", async () => {
    const errors: unknown[] = [];
    const consumer = member();
    consumer.subscribe(["t"], {
      async onAssigned() {
        await consumer.unsubscribe();
        for (const begin of [() => consumer.subscribe(["t"]), () => consumer.assign([{ topic: "t", partition: 0 }])]) {
          try {
            begin();
          } catch (error) {
            errors.push(error);
          }
        }
      },
    });
    const { values } = readAll(consumer);
    await runtime.advance(1_000);
    expect(errors).toMatchObject([{ code: "INVALID_STATE" }, { code: "INVALID_STATE" }]);
    expect(consumer.assignment()).toEqual([]);
    kafka.append("t", 0, ["a"]);
    consumer.subscribe(["t"]);
    await runtime.advance(1_000);
    expect(values).toEqual(["a"]);
  });

  test("commits what is processed, revokes, leaves, and ends the loop", async () => {
    kafka.append("t", 0, ["a", "b", "c"]);
    const consumer = member();
    const loop = consumer.records();
    await take(loop, 3);
    await settle(runtime, consumer.close());
    expect(kafka.committed.get("t:0")).toBe(2);
    expect(story).toEqual(["onAssigned t-0 t-1", "onRevoked t-0 t-1"]);
    expect(kafka.leaves).toMatchObject([
      { groupId: "g", members: [{ memberId: "member-1", reason: "the consumer was closed" }] },
    ]);
    expect(await loop.next()).toMatchObject({ done: true });
    expect(consumer.membershipState).toBe("left");
  });

  test.each(["classic", "consumer"] as const)(
    "%s: while partitions are revoked, the listener may commit and ask as ever, and not any more after it",
    async (groupProtocol) => {
      kafka.append("t", 0, ["a", "b", "c"]);
      kafka.assignTo({ t: [0, 1] });
      const onRevoked = async ([partition]: readonly TopicPartition[]) => {
        story.push(`at ${await consumer.position(partition!)}`);
        await consumer.commit();
      };
      const consumer = member({ groupProtocol, autoCommit: false, rebalanceListener: { onRevoked } });
      await take(consumer.records(), 3);
      await settle(runtime, consumer.close());
      expect([story, kafka.committed.get("t:0")]).toEqual([["at 3"], 3]);
      await expect(consumer.commit()).rejects.toMatchObject({ code: "CLOSED" });
    },
  );

  test.each(["classic", "consumer"] as const)(
    "%s: a listener that outlasts its time is told that the consumer is closed, also what it waits for",
    async (groupProtocol) => {
      kafka.cluster.handle(listOffsetsApi, () => new Promise(() => {}));
      kafka.assignTo({ t: [0, 1] });
      const code = (promise: Promise<unknown>) => promise.catch((error: { readonly code: string }) => error.code);
      const codes: unknown[] = [];
      const onRevoked = async ([partition]: readonly TopicPartition[]) => {
        codes.push(await code(consumer.position(partition!)), await code(consumer.commit()));
      };
      const consumer = member({ groupProtocol, rebalanceListener: { onRevoked } });
      void consumer.records().next();
      await runtime.advance(1_000);
      await settle(runtime, consumer.close({ timeoutMs: 1_000 }));
      await runtime.advance(1_000);
      expect(codes).toEqual(["CLOSED", "CLOSED"]);
      expect(() => consumer.subscribe("t")).toThrow(expect.objectContaining({ code: "CLOSED" }));
    },
  );

  test.each(
    (["classic", "consumer"] as const).flatMap((protocol) =>
      (["onAssigned", "onRevoked"] as const).flatMap((name) =>
        (["close", "unsubscribe"] as const).map((call) => [protocol, name, call] as const),
      ),
    ),
  )("%s: a listener's %s that awaits %s() is not waited for by it", async (groupProtocol, name, call) => {
    kafka.assignTo({ t: [0, 1] });
    const listen = async () => {
      await Promise.resolve();
      await consumer[call]();
      story.push("through");
    };
    const consumer = member({ groupProtocol, rebalanceListener: { [name]: listen } });
    void consumer.records().next();
    await runtime.advance(500);
    if (name === "onRevoked") await settle(runtime, consumer[call]());
    await runtime.advance(500);
    expect([story, consumer.assignment()]).toEqual([["through"], []]);
    expect(kafka.leaves.length).toBe(groupProtocol === "classic" ? 1 : 0);
  });

  test("one that is called elsewhere waits for a listener at work", async () => {
    const onAssigned = async () => {
      await sleep(runtime, 5_000);
      story.push("through");
    };
    const consumer = member({ rebalanceListener: { onAssigned } });
    void consumer.records().next();
    await runtime.advance(500);
    await settle(runtime, consumer.close());
    expect([story, kafka.leaves.length]).toEqual([["through"], 1]);
  });

  test("a static member stays in the group", async () => {
    const consumer = member({ groupInstanceId: "one" });
    await settle(runtime, consumer.start());
    await settle(runtime, consumer.close());
    expect(kafka.leaves).toEqual([]);
  });

  test("while joining, and before anything", async () => {
    kafka.cluster.faultOf = ({ apiName }) => (apiName === "JoinGroup" ? { kind: "silence" } : undefined);
    const joining = member();
    readAll(joining);
    await runtime.advance(100);
    await settle(runtime, joining.close());
    await settle(runtime, member().close());
  });

  test.each(["classic", "consumer"] as const)(
    "%s: with nothing to commit does not wait for a coordinator that is away",
    async (groupProtocol) => {
      kafka.append("t", 0, ["a", "b"]);
      kafka.assignTo({ t: [0, 1] });
      const consumer = member({ groupProtocol });
      await take(consumer.records(), 2);
      await settle(runtime, consumer.commit());
      kafka.cluster.stop(1);
      const beganAtMs = runtime.clock.monotonicMs();
      await settle(runtime, consumer.close());
      expect(runtime.clock.monotonicMs() - beganAtMs).toBeLessThan(1_000);
    },
  );

  test("takes no longer than it may when nobody answers", async () => {
    kafka.append("t", 0, ["a", "b"]);
    const consumer = member();
    await take(consumer.records(), 2);
    kafka.cluster.stop(1);
    const beganAtMs = runtime.clock.monotonicMs();
    await settle(runtime, consumer.close({ timeoutMs: 2_000 }));
    expect(runtime.clock.monotonicMs() - beganAtMs).toBeLessThan(2_200);
  });

  test.each(["classic", "consumer"] as const)(
    "%s: when there is no committing in time, ends all the same, and without an error",
    async (groupProtocol) => {
      kafka.append("t", 0, ["a", "b"]);
      kafka.assignTo({ t: [0, 1] });
      const consumer = member({ groupProtocol, heartbeatIntervalMs: 1_000, retryBackoffMs: 5_000 });
      const failures: string[] = [];
      consumer.on("failed", ({ error }) => failures.push(error.code));
      const loop = consumer.records();
      await take(loop, 2);
      kafka.commitError = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
      await settle(runtime, consumer.close({ timeoutMs: 500 }));
      await runtime.advance(10_000);
      expect(failures).toEqual([]);
      expect(runtime.pendingTimers, "what would keep the process alive").toBe(0);
      expect(await loop.next()).toEqual({ done: true, value: undefined });
    },
  );

  test("from within the loop", async () => {
    kafka.append("t", 0, ["a", "b"]);
    const consumer = member();
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const record of consumer) {
        seen.push(record.value);
        await consumer.close();
      }
    })();
    await settle(runtime, loop);
    expect(seen).toEqual(["a"]);
  });

  test.each(["classic", "consumer"] as const)(
    "%s: a start under way does not wait for ever when the consumer unsubscribes meanwhile, or subscribes anew",
    async (groupProtocol) => {
      kafka.assignTo({ t: [0, 1] });
      const consumer = member({ groupProtocol });
      const ends = consumer.start();
      await settle(runtime, consumer.unsubscribe());
      const beganAtMs = runtime.clock.monotonicMs();
      await settle(runtime, ends);
      consumer.subscribe("t");
      const goesOn = consumer.start();
      await runtime.advance(1);
      await settle(
        runtime,
        consumer.unsubscribe().then(() => consumer.subscribe("t")),
      );
      await settle(runtime, goesOn);
      await settle(runtime, consumer.start());
      expect(runtime.clock.monotonicMs() - beganAtMs).toBeLessThan(30_000);
      expect(consumer.membershipState).toBe("stable");
    },
  );

  test("unsubscribe leaves, and another subscription joins again", async () => {
    kafka.append("t", 0, ["a"]);
    const consumer = member();
    await settle(runtime, consumer.start());
    await settle(runtime, consumer.unsubscribe());
    expect(kafka.leaves.length).toBe(1);
    expect(consumer.assignment()).toEqual([]);
    consumer.assign([{ topic: "t", partition: 0 }]);
    const loop = consumer.records();
    expect((await settle(runtime, loop.next())).value.value).toBe("a");
    expect(() => consumer.subscribe("t")).toThrow(/is assigned; await unsubscribe\(\) first/);
  });

  test("a loop outlives unsubscribe, and reads what is subscribed to next", async () => {
    kafka.append("t", 0, ["a"]);
    kafka.append("t", 1, ["b"]);
    const consumer = member({ autoCommit: false });
    const { values } = readAll(consumer);
    await runtime.advance(500);
    await settle(runtime, consumer.unsubscribe());
    consumer.subscribe("t");
    await runtime.advance(1_000);
    expect([...values].sort()).toEqual(["a", "a", "b", "b"]);
  });
});

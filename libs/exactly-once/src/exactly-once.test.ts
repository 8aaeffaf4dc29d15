import { ErrorCode, FakeCluster, initProducerIdApi } from "@ottla/client/test-support";
import { createSimulatedRuntime } from "@ottla/runtime";
import { describe, expect, test } from "vitest";
import { exactlyOnce } from "./index.ts";

const NAMES = { from: "in", to: "out", groupId: "g", transactionalId: "t" };

/** A loop over a cluster whose transaction coordinator answers what it is told to, and then settles for good. */
function setUp(initErrors: readonly number[]) {
  const runtime = createSimulatedRuntime(3);
  const cluster = new FakeCluster({ runtime, topics: { in: 1, out: 1 } });
  const errors = [...initErrors];
  let asked = 0;
  cluster.handle(initProducerIdApi, () => {
    asked++;
    return { throttleTimeMs: 0, errorCode: errors.shift() ?? 0, producerId: 7, producerEpoch: 0 };
  });
  const { connector, bootstrapServers } = cluster;
  const common = { connector, runtime };
  const retried: string[] = [];
  const end = new AbortController();
  const options = {
    ...{ ...NAMES, bootstrapServers, signal: end.signal, producer: common, consumer: common },
    onRetry: ({ code }: { readonly code: string }) => void retried.push(code),
  };
  /** Lets time pass until the promise has settled. */
  const within = async (promise: Promise<void>): Promise<unknown> => {
    let outcome: { readonly error: unknown } | null = null;
    promise.then(
      () => {
        outcome = { error: null };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    for (let passedMs = 0; outcome === null && passedMs < 300_000; passedMs += 50) await runtime.advance(50);
    if (outcome === null) throw new Error("it does not settle");
    return (outcome as { readonly error: unknown }).error;
  };
  return { runtime, options, retried, end, within, asked: () => asked };
}

describe("the loop", () => {
  test("ends without an error when its signal is given, before it has begun too", async () => {
    const { options, end, within, asked } = setUp([]);
    end.abort();
    expect(await within(exactlyOnce(options, () => null))).toBeNull();
    expect(asked()).toBe(0);
  });

  test("ends with what another attempt does not heal", async () => {
    const { options, retried, within } = setUp([ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED]);
    expect(await within(exactlyOnce(options, () => null))).toMatchObject({
      code: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
    });
    expect(retried).toEqual([]);
  });

  test.each([
    [undefined, (): null => null],
    [null, (): null => null],
    [{ ...NAMES, bootstrapServers: "localhost:1" }, undefined],
    [{ ...NAMES, bootstrapServers: "localhost:1" }, {}],
  ])("takes options and a function, not %j and %s", async (options, transform) => {
    await expect(exactlyOnce(options as never, transform as never)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("exactlyOnce takes options and a function"),
    });
  });

  test("ends when another worker has the transactional id", async () => {
    const { options, within } = setUp([ErrorCode.PRODUCER_FENCED]);
    expect(await within(exactlyOnce(options, () => null))).toMatchObject({ code: "PRODUCER_FENCED" });
  });
});

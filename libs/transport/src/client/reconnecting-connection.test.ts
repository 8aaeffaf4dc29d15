import { KafkaError } from "@ottla/protocol";
import { createSimulatedRuntime, seededRandom } from "@ottla/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Connector } from "../byte-channel.ts";
import { answerApiVersions, memoryConnector } from "../test-support/support.ts";
import { networkError } from "../transport-error.ts";
import { backoffMs } from "./backoff.ts";
import { ReconnectingConnection } from "./reconnecting-connection.ts";

describe("backoffMs", () => {
  const options = { initialMs: 50, maxMs: 1_000 };

  test("doubles up to its maximum, within the jitter (property)", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), fc.integer(), (failures, seed) => {
        const base = Math.min(50 * 2 ** (failures - 1), 1_000);
        const waitMs = backoffMs(options, failures, seededRandom(seed));
        expect(waitMs).toBeGreaterThanOrEqual(base * 0.8);
        expect(waitMs).toBeLessThanOrEqual(Math.min(base * 1.2, 1_000));
      }),
    );
  });

  test("is nothing before the first failure, and exact without jitter", () => {
    expect(backoffMs(options, 0, seededRandom(1))).toBe(0);
    const waits = [1, 2, 3, 6].map((failures) => backoffMs({ ...options, jitter: 0 }, failures, seededRandom(1)));
    expect(waits).toEqual([50, 100, 200, 1_000]);
  });
});

/** A connection whose broker can be switched off, with the times of the attempts. */
function setUp() {
  const runtime = createSimulatedRuntime(7);
  const broker = memoryConnector(answerApiVersions, { runtime });
  const state = { isUp: true, attempts: [] as number[], timeouts: [] as number[] };
  const connector: Connector = {
    connect(address, options) {
      state.attempts.push(runtime.clock.monotonicMs());
      state.timeouts.push(options.timeoutMs);
      if (!state.isUp) return Promise.reject(networkError("refused"));
      return broker.connect(address, options);
    },
  };
  const connection = new ReconnectingConnection({
    address: { host: "broker", port: 1 },
    connector,
    runtime,
    clientId: null,
  });
  return { runtime, broker, state, connection };
}

describe("ReconnectingConnection", () => {
  test("connects when it is asked to, once for all who ask", async () => {
    const { connection, state } = setUp();
    expect(connection.current).toBeNull();
    const [first, second] = await Promise.all([connection.connect(), connection.connect()]);
    expect(first).toBe(second);
    expect(await connection.connect()).toBe(first);
    expect(connection.current).toBe(first);
    expect(state.attempts.length).toBe(1);
  });

  test("waits longer after each failure, and not at all after a success", async () => {
    const { connection, state, runtime } = setUp();
    state.isUp = false;
    for (let i = 0; i < 8; i++) {
      const attempt = connection.connect().catch((error: unknown) => error);
      await runtime.advance(1_000);
      expect(await attempt).toMatchObject({ code: "NETWORK_EXCEPTION", retriable: true });
      expect(connection.failuresInARow).toBe(i + 1);
    }
    await runtime.advance(2_000);
    state.isUp = true;
    const connected = await connection.connect();
    expect(connected.isOpen).toBe(true);
    expect(connection.failuresInARow).toBe(0);
    expect(connection.backoffRemainingMs).toBe(0);
  });

  test("spaces its attempts by the backoff, with a longer time for each", async () => {
    const { connection, state, runtime } = setUp();
    state.isUp = false;
    for (let i = 0; i < 7; i++) {
      const attempt = connection.connect().catch(() => {});
      await runtime.advance(connection.backoffRemainingMs);
      await attempt;
    }
    const gaps = state.attempts.slice(1).map((at, i) => at - state.attempts[i]!);
    for (const [i, gap] of gaps.entries()) {
      const base = Math.min(50 * 2 ** i, 1_000);
      expect(gap).toBeGreaterThanOrEqual(base * 0.8);
      expect(gap).toBeLessThanOrEqual(Math.min(base * 1.2, 1_000));
    }
    expect(state.timeouts[0]).toBeLessThanOrEqual(12_000);
    expect(state.timeouts.at(-1)).toBeGreaterThanOrEqual(24_000);
  });

  test("connects again when the connection was lost", async () => {
    const { connection, broker, runtime } = setUp();
    const first = await connection.connect();
    broker.servers[0]!.destroy();
    await runtime.settle();
    expect(connection.current).toBeNull();
    expect(connection.backoffRemainingMs).toBeGreaterThan(0);
    const next = connection.connect();
    await runtime.advance(60);
    expect(await next).not.toBe(first);
    expect(connection.current).toBe(await next);
  });

  test("a caller that gives up does not stop the others", async () => {
    const { connection, state, runtime } = setUp();
    state.isUp = false;
    await connection.connect().catch(() => {});
    state.isUp = true;
    const controller = new AbortController();
    const impatient = connection.connect(controller.signal).catch((error: KafkaError) => error);
    const patient = connection.connect();
    controller.abort();
    expect(await impatient).toMatchObject({ code: "ABORTED" });
    await runtime.advance(60);
    expect((await patient).isOpen).toBe(true);
  });

  test("close ends the attempt under way, the open connection, and everything after", async () => {
    const { connection, state, runtime } = setUp();
    state.isUp = false;
    await connection.connect().catch(() => {});
    const attempt = connection.connect().catch((error: KafkaError) => error);
    await connection.close();
    expect(await attempt).toBeInstanceOf(KafkaError);
    await expect(connection.connect()).rejects.toThrow("closed by this client");
    expect(runtime.pendingTimers).toBe(0);

    const other = setUp();
    const open = await other.connection.connect();
    await other.connection.close();
    expect(open.isOpen).toBe(false);
    await other.runtime.settle();
    expect(other.runtime.pendingTimers).toBe(0);
  });
});

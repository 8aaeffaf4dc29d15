import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { exactlyOnce } from "@ottla/exactly-once";
import { Producer } from "@ottla/producer";
import { describe, expect, it } from "vitest";
import { sdkTargets } from "../harness/sdk-targets.ts";

const PARTITIONS = 4;
const INPUTS = 600;

for (const target of sdkTargets) {
  describe.skipIf(target.isAbsent)(`exactly once on ${target.name}`, () => {
    it("counts each input once, though workers crash, come and go", { timeout: 60_000 }, async () => {
      const { bootstrapServers, stop } = await target.start();
      try {
        await createTopics(bootstrapServers);
        await sendInputs(bootstrapServers);
        const end = new AbortController();
        const crashes = { thrown: 0, stopped: 0 };
        const workers = Promise.all([
          crashingWorker(bootstrapServers, end.signal, crashes),
          stoppedWorker(bootstrapServers, end.signal, crashes),
        ]);
        const counts = await readOutputs(bootstrapServers);
        end.abort();
        await workers;
        expect([...counts.keys()].sort()).toEqual(Array.from({ length: INPUTS }, (_, index) => `${index}`).sort());
        expect([...counts.values()].filter((count) => count !== 1)).toEqual([]);
        // Whichever worker gets the larger share fails on the way.
        expect(crashes.thrown + crashes.stopped).toBeGreaterThan(0);
      } finally {
        await stop();
      }
    });
  });
}

async function createTopics(bootstrapServers: string): Promise<void> {
  await using admin = new Admin({ bootstrapServers });
  await admin.createTopics(["in", "out"].map((name) => ({ name, partitions: PARTITIONS })));
}

async function sendInputs(bootstrapServers: string): Promise<void> {
  await using producer = new Producer({ bootstrapServers });
  const inputs = Array.from({ length: INPUTS }, (_, index) => ({
    topic: "in",
    partition: index % PARTITIONS,
    value: `${index}`,
  }));
  await producer.send(inputs);
}

function optionsOf(bootstrapServers: string, transactionalId: string, signal: AbortSignal) {
  return { bootstrapServers, from: "in", to: "out", groupId: "counting", transactionalId, batch: 20, signal };
}

/** Its transform throws now and then, in the middle of a transaction; then the worker is started anew. */
async function crashingWorker(bootstrapServers: string, signal: AbortSignal, crashes: { thrown: number }) {
  while (!signal.aborted) {
    let left = 130;
    const crash = new Error("crash");
    const run = exactlyOnce(optionsOf(bootstrapServers, "crashing", signal), ({ value }) => {
      if (left-- === 0) throw crash;
      return { key: value, value: "1" };
    });
    await run.catch((error: unknown) => {
      if (error !== crash) throw error;
      crashes.thrown++;
    });
  }
}

/** It is stopped from within its own work, once it has done some, with records sent that were not committed. */
async function stoppedWorker(bootstrapServers: string, end: AbortSignal, crashes: { stopped: number }) {
  while (!end.aborted) {
    let left = 70;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, end]);
    await exactlyOnce(optionsOf(bootstrapServers, "stopped", signal), async ({ value }) => {
      if (left-- === 0) stop.abort();
      return [{ key: value, value: "1" }];
    });
    if (stop.signal.aborted) crashes.stopped++;
  }
}

/** How often each input was counted; ends when all were, and nothing more has come for a while. */
async function readOutputs(bootstrapServers: string): Promise<Map<string, number>> {
  await using consumer = new Consumer({
    bootstrapServers,
    isolationLevel: "read_committed",
    autoOffsetReset: "earliest",
  });
  consumer.assign(Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: "out", partition })));
  const counts = new Map<string, number>();
  const quiet = new AbortController();
  const reading = (async () => {
    for await (const { key } of consumer.records({ signal: quiet.signal })) {
      counts.set(key ?? "", (counts.get(key ?? "") ?? 0) + 1);
    }
  })().catch(() => {});
  await expect.poll(() => counts.size, { timeout: 50_000 }).toBe(INPUTS);
  await new Promise((resolve) => setTimeout(resolve, 500));
  quiet.abort();
  await reading;
  return counts;
}

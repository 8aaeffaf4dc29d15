import { createSimulatedRuntime, silentLogger } from "@ottla/runtime";
import type { SessionEvent, ZooKeeper } from "@ottla/zookeeper";
import { beforeEach, describe, expect, it } from "vitest";
import { ZooKeeperPaths } from "./layout.ts";
import { ZooKeeperLiveness } from "./liveness.ts";
import { PatientClient } from "./patient-client.ts";

const SESSION_TIMEOUT_MS = 6_000;

describe("the doubt whether an announcement is still there", () => {
  let said: string[];
  let runtime: ReturnType<typeof createSimulatedRuntime>;
  let liveness: ZooKeeperLiveness;
  let tell: (event: SessionEvent) => void;

  beforeEach(() => {
    said = [];
    const listeners: ((event: SessionEvent) => void)[] = [];
    tell = (event) => {
      for (const listener of listeners) listener(event);
    };
    const client = {
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      onSessionEvent: (listener: (event: SessionEvent) => void) => listeners.push(listener),
    } as unknown as ZooKeeper;
    const logger = {
      ...silentLogger,
      info: (message: string) => void said.push(`info ${message}`),
      warn: (message: string) => void said.push(`warn ${message}`),
    };
    runtime = createSimulatedRuntime(1, { logger });
    const patient = new PatientClient(client, runtime.timers);
    liveness = new ZooKeeperLiveness(client, patient, new ZooKeeperPaths(""), runtime);
  });

  it("begins when a session may have ended, is told of once, and is over with the next connection", async () => {
    tell("disconnected");
    await runtime.advance(SESSION_TIMEOUT_MS - 100);
    expect([liveness.isInDoubt, said]).toEqual([false, []]);
    await runtime.advance(60_000);
    expect(liveness.isInDoubt).toBe(true);
    expect(said).toEqual([expect.stringMatching(/^warn ZooKeeper cannot be reached.*zookeeper\.connect/)]);
    tell("connected");
    expect([liveness.isInDoubt, said.slice(1)]).toEqual([false, ["info ZooKeeper is reached again"]]);
  });

  it("goes on while the end of the session is heard of and no other one has begun", async () => {
    tell("disconnected");
    await runtime.advance(SESSION_TIMEOUT_MS - 100);
    tell("expired");
    await runtime.advance(200);
    expect([liveness.isInDoubt, said.length]).toEqual([true, 1]);
    tell("connected");
    expect(liveness.isInDoubt).toBe(false);
  });

  it("does not begin, and nothing is said, where connections break and come back", async () => {
    for (let times = 0; times < 3; times++) {
      tell("disconnected");
      await runtime.advance(SESSION_TIMEOUT_MS / 2);
      tell("connected");
    }
    await runtime.advance(SESSION_TIMEOUT_MS * 2);
    expect([liveness.isInDoubt, said]).toEqual([false, []]);
  });

  it("says nothing once the log is closed", async () => {
    tell("disconnected");
    liveness.close();
    await runtime.advance(SESSION_TIMEOUT_MS * 2);
    expect(said).toEqual([]);
  });
});

import { createSystemRuntime } from "@ottla/runtime";
import { ZooKeeperModel } from "@ottla/zookeeper";
import { expect, test } from "vitest";
import { StandingWatch } from "./standing-watch.ts";

const NOTHING = new Uint8Array();
const SESSION_TIMEOUT_MS = 20;

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

test("a watch that waited for a connection, and was refused with its session, is set with the next session", async () => {
  const model = new ZooKeeperModel({ runtime: createSystemRuntime(), sessionTimeoutMs: SESSION_TIMEOUT_MS });
  const [client, other] = [model.connect(), model.connect()];
  client.partition();
  const watch = new StandingWatch(client, (hint) => client.exists("/watched", hint));
  let hints = 0;
  watch.add(() => hints++);
  client.expire();
  client.heal();
  await turn();
  expect(hints, "what was missed meanwhile is to be looked for").toBe(1);
  await other.create("/watched", NOTHING);
  await turn();
  expect(hints, "hints once it is created").toBe(2);
  await other.remove("/watched", -1);
  await turn();
  expect(hints, "hints once it is removed").toBe(3);
});

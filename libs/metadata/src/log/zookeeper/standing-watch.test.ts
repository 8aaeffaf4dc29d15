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

test("stands once, also where it tells and its reading fails as well", async () => {
  const client = new ZooKeeperModel({ runtime: createSystemRuntime(), sessionTimeoutMs: 1_000 }).connect();
  const settings: { tell: () => void; fail: () => void }[] = [];
  const set = (tell: () => void) =>
    new Promise((_, reject) => {
      settings.push({ tell, fail: () => reject(new Error("the connection broke")) });
    });
  let hints = 0;
  new StandingWatch(client, set).add(() => hints++);
  settings[0]!.tell();
  settings[0]!.fail();
  await turn();
  client.breakConnection();
  await turn();
  expect([settings.length, hints], "set again once").toEqual([2, 1]);
  settings[0]!.tell();
  expect([settings.length, hints], "whatever tells is a hint").toEqual([2, 2]);
  settings[1]!.tell();
  expect([settings.length, hints]).toEqual([3, 3]);
});

import { createSystemTimers } from "@ottla/runtime";
import { isZooKeeperError, type ZooKeeperErrorCode } from "./errors.ts";
import type { ZooKeeper } from "./zookeeper.ts";

/** What the cases run against: an ensemble with nothing below `root`. */
export interface ConformanceHarness {
  /** A path that exists and has no children. */
  readonly root: string;
  /** A client of a server that knows of `root`. */
  connect(): Promise<ZooKeeper>;
  /** Makes the ensemble end a client's session while the client lives on. */
  expire(client: ZooKeeper): Promise<void>;
  /** Breaks a client's connection, whatever is under way on it. */
  breakConnection(client: ZooKeeper): void;
}

export interface ConformanceCase {
  readonly name: string;
  run(harness: ConformanceHarness): Promise<void>;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

/** What our use of ZooKeeper stands on. The real client passes it against real servers, and so does the model. */
export const zooKeeperConformance: readonly ConformanceCase[] = [
  {
    name: "a znode is created once, below a parent that exists",
    async run({ root, connect }) {
      const client = await connect();
      await client.create(`${root}/a`, bytes("one"));
      const { data, stat } = await client.get(`${root}/a`);
      expect(text(data) === "one" && stat.version === 0 && stat.ephemeralOwner === 0n, "what was created");
      await expectCode("NODE_EXISTS", client.create(`${root}/a`, bytes("two")));
      await expectCode("NO_NODE", client.create(`${root}/none/b`, bytes("")));
      await expectCode("NO_NODE", client.get(`${root}/none`));
      expect((await client.exists(`${root}/none`)) === null, "nothing exists there");
    },
  },
  {
    name: "setting and removing are conditional on the version, version 0 included",
    async run({ root, connect }) {
      const client = await connect();
      await client.create(`${root}/a`, bytes("0"));
      await expectCode("BAD_VERSION", client.set(`${root}/a`, bytes("x"), 1));
      await client.set(`${root}/a`, bytes("1"), 0);
      await expectCode("BAD_VERSION", client.set(`${root}/a`, bytes("x"), 0));
      await expectCode("BAD_VERSION", client.multi([{ type: "check", path: `${root}/a`, version: 0 }]));
      await client.set(`${root}/a`, bytes("2"), -1);
      expect((await client.get(`${root}/a`)).stat.version === 2, "the version counts");
      await expectCode("BAD_VERSION", client.remove(`${root}/a`, 0));
      await client.create(`${root}/a/child`, bytes(""));
      await expectCode("NOT_EMPTY", client.remove(`${root}/a`, 2));
      await client.remove(`${root}/a/child`, -1);
      await client.remove(`${root}/a`, 2);
      await expectCode("NO_NODE", client.remove(`${root}/a`, -1));
    },
  },
  {
    name: "a multi-operation is done whole or not at all, and names what failed",
    async run({ root, connect }) {
      const client = await connect();
      await client.create(`${root}/head`, bytes("0"));
      const failed = client.multi([
        { type: "create", path: `${root}/entry`, data: bytes("e") },
        { type: "set", path: `${root}/head`, data: bytes("1"), version: 7 },
        { type: "remove", path: `${root}/head`, version: -1 },
      ]);
      await expectCode("BAD_VERSION", failed, 1);
      expect((await client.exists(`${root}/entry`)) === null, "nothing was done");
      await client.multi([
        { type: "check", path: `${root}/head`, version: 0 },
        { type: "set", path: `${root}/head`, data: bytes("1"), version: 0 },
        { type: "create", path: `${root}/entry`, data: bytes("e") },
      ]);
      const names = await client.children(root);
      expect([...names].sort().join() === "entry,head", "all was done");
      const late = client.multi([
        { type: "create", path: `${root}/late`, data: bytes("l") },
        { type: "set", path: `${root}/head`, data: bytes("2"), version: 0 },
      ]);
      await expectCode("BAD_VERSION", late, 1);
      expect((await client.exists(`${root}/late`)) === null, "version 0 is not any version");
    },
  },
  {
    name: "an ephemeral znode ends with its session",
    async run({ root, connect, expire }) {
      const [first, second] = [await connect(), await connect()];
      await first.create(`${root}/closed`, bytes(""), { ephemeral: true });
      await eventuallyOwned(second, `${root}/closed`, first);
      await first.close();
      await eventually(
        async () => (await second.exists(`${root}/closed`)) === null,
        "it goes as the session is closed",
      );
      await second.create(`${root}/expired`, bytes(""), { ephemeral: true });
      const third = await connect();
      await expire(second);
      await eventually(async () => (await third.exists(`${root}/expired`)) === null, "it goes as the session expires");
    },
  },
  {
    name: "a client hears that its session expired, and goes on with another one",
    async run({ root, connect, expire }) {
      const client = await connect();
      const events: string[] = [];
      client.onSessionEvent((event) => void events.push(event));
      const sessionId = client.sessionId;
      let hints = 0;
      await client.exists(`${root}/a`, () => hints++);
      await expire(client);
      await eventually(async () => events.includes("expired") && events.at(-1) === "connected", "it is told");
      expect(client.sessionId !== sessionId, "the session is another one");
      expect(hints > 0, "its watches tell that changes may have been missed");
      await client.create(`${root}/a`, bytes(""), { ephemeral: true });
      expect((await client.get(`${root}/a`)).stat.ephemeralOwner === client.sessionId, "and works");
    },
  },
  {
    name: "a session and its znodes outlive a broken connection, and watches tell that changes may have been missed",
    async run({ root, connect, breakConnection }) {
      const [client, other] = [await connect(), await connect()];
      const events: string[] = [];
      client.onSessionEvent((event) => void events.push(event));
      const { sessionId } = client;
      await client.create(`${root}/own`, bytes(""), { ephemeral: true });
      let hints = 0;
      await client.exists(`${root}/a`, () => hints++);
      breakConnection(client);
      await eventually(async () => events.join() === "disconnected,connected", "it is told");
      expect(client.sessionId === sessionId, "the session is the same");
      expect((await client.get(`${root}/own`)).stat.ephemeralOwner === sessionId, "and has its znode");
      expect(hints === 1, "the watch has told");
      await client.exists(`${root}/a`, () => hints++);
      await other.create(`${root}/a`, bytes(""));
      await eventually(async () => hints === 2, "a watch on the new connection tells too");
    },
  },
  {
    name: "a read that fails leaves no watch behind, wherever the connection breaks",
    async run({ root, connect, breakConnection }) {
      const client = await connect();
      for (let turns = 0; turns < 8; turns++) {
        await client.exists(root);
        let hints = 0;
        const reading = client.exists(`${root}/a`, () => hints++);
        const isSet = reading.then(
          () => true,
          () => false,
        );
        for (let i = 0; i < turns; i++) await Promise.resolve();
        breakConnection(client);
        const expected = (await isSet) ? 1 : 0;
        await client.exists(root);
        expect(hints === expected, `after ${turns} turns it was told ${hints} times`);
      }
    },
  },
  {
    name: "what is under way when the connection breaks is done or not, and repeating it tells which",
    async run({ root, connect, breakConnection }) {
      const client = await connect();
      await client.create(`${root}/a`, bytes("0"));
      for (let version = 0; version < 10; version++) {
        const set = () => client.set(`${root}/a`, bytes(String(version)), version);
        const outcome = set().then(
          () => "done",
          (error: unknown) => (isZooKeeperError(error, "CONNECTION_LOSS") ? "unknown" : error),
        );
        if (version % 2 === 0) await Promise.resolve();
        breakConnection(client);
        const known = await outcome;
        expect(known === "done" || known === "unknown", `an outcome of ${String(known)}`);
        if (known === "unknown") await untilKnown(set, "BAD_VERSION");
        await client.sync(`${root}/a`);
        expect((await client.get(`${root}/a`)).stat.version === version + 1, "it was done once");
      }
    },
  },
  {
    name: "an ephemeral znode has no children, and what a session creates after its end is not there",
    async run({ root, connect, expire }) {
      const [client, other] = [await connect(), await connect()];
      await client.create(`${root}/own`, bytes(""), { ephemeral: true });
      await expectCode("NO_CHILDREN_FOR_EPHEMERALS", client.create(`${root}/own/child`, bytes("")));
      await expire(client);
      await eventually(async () => (await other.exists(`${root}/own`)) === null, "it goes with its session");
      await untilKnown(() => client.create(`${root}/own`, bytes("again"), { ephemeral: true }), "NODE_EXISTS");
      await eventuallyOwned(other, `${root}/own`, client);
    },
  },
  {
    name: "watches tell of a change once",
    async run({ root, connect }) {
      const [watcher, other] = [await connect(), await connect()];
      const seen = { created: 0, changed: 0, removed: 0, children: 0 };
      await watcher.exists(`${root}/a`, () => seen.created++);
      await watcher.children(root, () => seen.children++);
      await other.create(`${root}/a`, bytes("0"));
      await eventually(async () => seen.created === 1 && seen.children === 1, "creation is seen");
      await watcher.get(`${root}/a`, () => seen.changed++);
      await other.set(`${root}/a`, bytes("1"), -1);
      await eventually(async () => seen.changed === 1, "a change is seen");
      await other.set(`${root}/a`, bytes("2"), -1);
      await watcher.exists(`${root}/a`, () => seen.removed++);
      await other.remove(`${root}/a`, -1);
      await eventually(async () => seen.removed === 1, "removal is seen");
      expect(seen.created === 1 && seen.changed === 1 && seen.children === 1, "each watch told once");
    },
  },
  {
    // Not always the first: a server that leads may answer a sync before it has applied what it has committed.
    name: "a read shows what others did before, at the latest after a few syncs",
    async run({ root, connect }) {
      const [writer, reader] = [await connect(), await connect()];
      await writer.create(`${root}/a`, bytes("0"));
      await eventually(async () => (await reader.exists(`${root}/a`)) !== null, "what was created is seen");
      for (let value = 1; value <= 20; value++) {
        await writer.set(`${root}/a`, bytes(String(value)), -1);
        let read = "";
        for (let syncs = 0; read !== String(value) && syncs < 20; syncs++) {
          await reader.sync(`${root}/a`);
          read = text((await reader.get(`${root}/a`)).data);
        }
        expect(read === String(value), `value ${value} is read`);
      }
    },
  },
  {
    name: "operations of one client take effect in their order",
    async run({ root, connect }) {
      const client = await connect();
      await client.create(`${root}/a`, bytes(""));
      const settled = Array.from({ length: 50 }, (_, index) => client.set(`${root}/a`, bytes(String(index)), index));
      await Promise.all(settled);
      expect((await client.get(`${root}/a`)).stat.version === 50, "all were done");
    },
  },
];

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(`not so: ${what}`);
}

async function expectCode(code: ZooKeeperErrorCode, done: Promise<unknown>, failedOperation?: number): Promise<void> {
  const outcome = await done.then(
    () => "success",
    (error: unknown) => error,
  );
  const matches = isZooKeeperError(outcome, code);
  if (!matches) throw new Error(`${code} was expected, and came to ${String(outcome)}`, { cause: outcome });
  if (failedOperation !== undefined) expect(outcome.failedOperation === failedOperation, "which operation failed");
}

/** Repeats what may or may not have been done; `already` is the refusal that says that it was. */
async function untilKnown(operation: () => Promise<void>, already: ZooKeeperErrorCode): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    try {
      return await operation();
    } catch (error) {
      if (isZooKeeperError(error, already)) return;
      if (!isZooKeeperError(error, "CONNECTION_LOSS", "SESSION_EXPIRED")) throw error;
      await new Promise<void>((resolve) => void timers.schedule(10, resolve, { keepAlive: true }));
    }
  }
  throw new Error("the outcome was never known");
}

const ATTEMPTS_MAX = 500;
const timers = createSystemTimers();

/** Another client may be with a server that has not applied yet what this one has been told is done. */
async function eventuallyOwned(reader: ZooKeeper, path: string, owner: ZooKeeper): Promise<void> {
  const isOwned = async () => (await reader.exists(path))?.ephemeralOwner === owner.sessionId;
  await eventually(isOwned, `${path} is seen to be the session's`);
}

async function eventually(isSo: () => Promise<boolean>, what: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (await isSo()) return;
    await new Promise<void>((resolve) => void timers.schedule(10, resolve, { keepAlive: true }));
  }
  throw new Error(`it never came about that ${what}`);
}

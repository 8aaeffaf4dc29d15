import { createSystemRuntime, type LogFields, type Logger } from "@ottla/runtime";
import { ZooKeeperModel } from "@ottla/zookeeper";
import { describe, expect, it } from "vitest";
import { appendUntilKnown, BROKER_1, BROKER_2, becomeController, feature } from "../../contract/contract-harness.ts";
import { MetadataFollower } from "../metadata-follower.ts";
import { ZooKeeperMetadataLog } from "./zookeeper-metadata-log.ts";

const text = (value: string) => new TextEncoder().encode(value);
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "",
    (error: Error) => error.message,
  );

/** An ensemble with a client of its own, as an operator has one. */
function start() {
  const lines: string[] = [];
  const line = (message: string, { err }: LogFields = {}) => void lines.push(`${message}: ${err}`);
  const levels = { debug: line, info: line, warn: line, error: line };
  const logger: Logger = { ...levels, debugEnabled: false, child: () => logger };
  const runtime = { ...createSystemRuntime(), logger };
  const model = new ZooKeeperModel({ runtime, sessionTimeoutMs: 50 });
  const operator = model.connect();
  const open = () => ZooKeeperMetadataLog.open({ client: model.connect(), root: "/ottla", runtime });
  const get = async (path: string) => (await operator.get(`/ottla${path}`)).data;
  const set = (path: string, data: Uint8Array) => operator.set(`/ottla${path}`, data, -1);
  /** Writes this into a znode, and resolves to what it takes to have it as it was. */
  const corrupt = async (path: string, value: string) => {
    const before = await get(path);
    await set(path, text(value));
    return () => set(path, before);
  };
  return { open, get, set, corrupt, lines, runtime };
}

describe("/controller_epoch", () => {
  it.each(["", "rubbish", "NaN", "-1", "1.5", "99999999999", "null"])(
    "that holds %j elects nobody, is left as it is, and is named; mended, it elects again",
    async (value) => {
      const { open, get, corrupt } = start();
      const log = await open();
      const mend = await corrupt("/controller_epoch", value);
      await log.liveness.announce(BROKER_1);
      for (let times = 0; times < 2; times++) {
        expect(await errorOf(log.election.claim(1))).toContain("the znode /ottla/controller_epoch does not hold");
      }
      expect(new TextDecoder().decode(await get("/controller_epoch"))).toBe(value);
      expect(await log.election.current(), "nobody holds the office").toBeNull();
      await mend();
      const epoch = await becomeController(log);
      expect(epoch).toBe(1);
      expect(await appendUntilKnown(log, epoch, 0, [feature(1)])).toEqual({ kind: "done", endOffset: 1 });
    },
  );

  it("that somebody else has written to stops the controller until it has looked again, and no longer", async () => {
    const { open, get, set } = start();
    const log = await open();
    const epoch = await becomeController(log);
    await appendUntilKnown(log, epoch, 0, [feature(1)]);
    await set("/controller_epoch", await get("/controller_epoch"));
    expect(await appendUntilKnown(log, epoch, 1, [feature(2)])).toEqual({ kind: "not-controller" });
    const again = await becomeController(log);
    expect(await appendUntilKnown(log, again, 1, [feature(2)])).toEqual({ kind: "done", endOffset: 2 });
  });

  it("that is corrupt while there is a controller stops it, until it is mended", async () => {
    const { open, corrupt } = start();
    const log = await open();
    const epoch = await becomeController(log);
    const mend = await corrupt("/controller_epoch", "rubbish");
    expect(await appendUntilKnown(log, epoch, 0, [feature(1)])).toEqual({ kind: "not-controller" });
    for (const asked of [log.election.claim(1), log.election.current()]) {
      expect(await errorOf(asked)).toContain("the znode /ottla/controller_epoch does not hold");
    }
    await mend();
    const again = await becomeController(log);
    expect(await appendUntilKnown(log, again, 0, [feature(1)])).toEqual({ kind: "done", endOffset: 1 });
  });
});

it.each(["rubbish", "null", "5", "{}", '{"brokerid":"x"}', '{"brokerid":null}'])(
  "/controller that holds %j names itself to others, and its holder goes on",
  async (value) => {
    const { open, corrupt } = start();
    const [log, other] = [await open(), await open()];
    const epoch = await becomeController(log);
    await other.liveness.announce(BROKER_2);
    const mend = await corrupt("/controller", value);
    for (const asked of [other.election.current(), other.election.claim(2)]) {
      expect(await errorOf(asked)).toContain("the znode /ottla/controller does not hold");
    }
    expect(await appendUntilKnown(log, epoch, 0, [feature(1)])).toEqual({ kind: "done", endOffset: 1 });
    await mend();
    expect(await other.election.current()).toEqual({ controllerId: 1, controllerEpoch: epoch });
  },
);

it.each(["", "rubbish", "null", "[]", "{}", '{"incarnationId":1,"directoryId":2}'])(
  "/brokers/ids/1 that holds %j does not hide who else is alive, and is told of once",
  async (value) => {
    const { open, corrupt, lines } = start();
    const [log, other] = [await open(), await open()];
    await log.liveness.announce(BROKER_1);
    await other.liveness.announce(BROKER_2);
    const mend = await corrupt("/brokers/ids/1", value);
    for (let times = 0; times < 2; times++) {
      const unreadable = { brokerId: 1, incarnationId: null, directoryId: null };
      expect(await other.liveness.live()).toEqual([unreadable, BROKER_2]);
    }
    expect(lines).toEqual([expect.stringContaining("the znode /ottla/brokers/ids/1 does not hold")]);
    const third = await open();
    expect(await errorOf(third.liveness.announce(BROKER_1))).toContain("the znode /ottla/brokers/ids/1 does not hold");
    await mend();
    expect(await other.liveness.live()).toEqual([BROKER_1, BROKER_2]);
  },
);

it.each(["null", "5", "{}", '{"endOffset":0,"epoch":-1,"logStartOffset":0,"snapshot":5}'])(
  "/metadata/head that holds %j names itself",
  async (value) => {
    const { open, corrupt } = start();
    const log = await open();
    await corrupt("/metadata/head", value);
    for (const asked of [log.head(), log.read(0), log.loadSnapshot()]) {
      expect(await errorOf(asked)).toContain("the znode /ottla/metadata/head ");
    }
  },
);

it("/cluster/id that holds null names itself", async () => {
  const { open, corrupt } = start();
  const log = await open();
  await log.clusterId("AAAAAAAAAAAAAAAAAAAACQ");
  await corrupt("/cluster/id", "null");
  expect(await errorOf(log.clusterId("AAAAAAAAAAAAAAAAAAAACQ"))).toContain("the znode /ottla/cluster/id does not hold");
});

describe("what is stored of the log", () => {
  const withSnapshot = async () => {
    const ensemble = start();
    const log = await ensemble.open();
    const epoch = await becomeController(log);
    await appendUntilKnown(log, epoch, 0, [feature(1)]);
    await log.storeSnapshot({ endOffset: 1, epoch, records: [feature(1)] });
    const { snapshot } = JSON.parse(new TextDecoder().decode(await ensemble.get("/metadata/head")));
    return { ...ensemble, log, epoch, path: `/metadata/snapshots/${snapshot.name}` };
  };
  const follow = (log: ZooKeeperMetadataLog, runtime: ReturnType<typeof start>["runtime"]) =>
    errorOf(new MetadataFollower(log, runtime).load());

  it.each(["", "rubbish", "\0\0\0\0 and more"])("a snapshot's part that holds %j names itself", async (value) => {
    const { log, path, corrupt, runtime } = await withSnapshot();
    const mend = await corrupt(`${path}/000000`, value);
    expect(await follow(log, runtime)).toContain(`the znode /ottla${path}/000000 does not hold`);
    await mend();
    expect(await follow(log, runtime)).toBe("");
  });

  it("a snapshot with a record that is none names itself", async () => {
    const { log, path, set, runtime } = await withSnapshot();
    const chunk = new Uint8Array([0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3]);
    await set(`${path}/000000`, chunk);
    expect(await follow(log, runtime)).toContain(`the znode /ottla${path} cannot be replayed at offset 0: `);
  });

  it("an entry with a record that is none names itself", async () => {
    const { open, runtime } = start();
    const log = await open();
    const epoch = await becomeController(log);
    await appendUntilKnown(log, epoch, 0, [feature(1), new Uint8Array([1, 2, 3])]);
    expect(await follow(log, runtime)).toContain(
      "the znode /ottla/metadata/entries/00000000000000000000 cannot be replayed at offset 1: ",
    );
  });

  it("an entry with bytes after its end names itself", async () => {
    const { open, get, set, runtime } = start();
    const log = await open();
    await appendUntilKnown(log, await becomeController(log), 0, [feature(1)]);
    const path = "/metadata/entries/00000000000000000000";
    await set(path, new Uint8Array([...(await get(path)), 0]));
    expect(await follow(log, runtime)).toContain(
      `the znode /ottla${path} does not hold an entry of a metadata log: 1 byte`,
    );
  });
});

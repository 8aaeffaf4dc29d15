import { createSystemRuntime } from "@ottla/runtime";
import { type ZnodeOperation, ZooKeeperError, ZooKeeperModel } from "@ottla/zookeeper";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { BROKER_2, becomeController, feature, levelsOf, readAll, testUuid } from "../../contract/contract-harness.ts";
import { eventually } from "../../contract/expectations.ts";
import { ZooKeeperMetadataLog } from "./zookeeper-metadata-log.ts";

const ENTRIES = "/ottla/metadata/entries";
const LENGTH = 300;

/** A log of many entries, and how often the brokers have listed them all. */
describe("a long log in ZooKeeper", () => {
  let model: ZooKeeperModel;
  let writer: Awaited<ReturnType<typeof connect>>;
  let epoch: number;
  let endOffset: number;

  async function connect() {
    const client = model.connect();
    const log = await ZooKeeperMetadataLog.open({ client, root: "/ottla", runtime: createSystemRuntime() });
    const original = { children: client.children.bind(client), multi: client.multi.bind(client) };
    const children = vi.spyOn(client, "children");
    const multi = vi.spyOn(client, "multi");
    return {
      ...{ client, log, children, multi, original },
      lists: () => children.mock.calls.filter(([path]) => path === ENTRIES).length,
      sweeps: () => multi.mock.calls.filter(([operations]) => isSweep(operations)).length,
    };
  }

  beforeEach(async () => {
    model = new ZooKeeperModel({ runtime: createSystemRuntime(), sessionTimeoutMs: 1_000 });
    writer = await connect();
    epoch = await becomeController(writer.log);
    endOffset = 0;
  });

  async function append(count = 1): Promise<void> {
    for (let appended = 0; appended < count; appended++) {
      const id = testUuid(endOffset);
      const records = [feature(endOffset % 30_000)];
      expect(await writer.log.append({ id, controllerEpoch: epoch, expectedOffset: endOffset, records })).toMatchObject(
        { kind: "done" },
      );
      endOffset++;
    }
  }
  const snapshot = () => ({ endOffset, epoch, records: [feature(1)] });
  const left = () => model.tree.children(ENTRIES).length;

  it("is not listed by who keeps up with it", async () => {
    const { log, lists } = await connect();
    await append(20);
    for (const offset of [19, 17, 20, 12]) await log.read(offset);
    await append();
    expect(levelsOf(await readAll(log, 20))).toEqual([20]);
    expect(levelsOf(await readAll(log, 16))).toEqual([16, 17, 18, 19, 20]);
    expect(lists()).toBe(0);
  });

  it("is listed once by who begins with it, and read in order and whole", async () => {
    const { log, lists } = await connect();
    await append(LENGTH);
    expect(levelsOf(await readAll(log))).toEqual(Array.from({ length: LENGTH }, (_, level) => level));
    expect(lists()).toBe(1);
    await append(20);
    expect(levelsOf(await readAll(log, LENGTH - 1))).toHaveLength(21);
    expect(lists(), "what was not there then is listed again").toBe(2);
  });

  it("takes appends while a snapshot is written, and while what it stands for is removed, many entries at a time", async () => {
    await append(LENGTH);
    const { log, client, multi, original, sweeps } = writer;
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const create = vi.spyOn(client, "create").mockImplementationOnce((path, data, options) => {
      create.mockRestore();
      return append().then(() => client.create(path, data, options));
    });
    multi.mockImplementation((operations) =>
      isSweep(operations) ? held.then(() => original.multi(operations)) : original.multi(operations),
    );
    await log.storeSnapshot(snapshot());
    expect(endOffset).toBe(LENGTH + 1);
    await append();
    expect(left()).toBe(LENGTH + 2);
    letGo();
    await eventually(() => left() === 2, "the others are removed");
    expect(sweeps()).toBe(2);
    expect(levelsOf(await readAll(log, LENGTH))).toEqual([LENGTH, LENGTH + 1]);
  });

  it("is swept whole though another sweeps it too, and though an answer is lost", async () => {
    await append(LENGTH);
    const { log, multi, original } = writer;
    const other = model.connect();
    multi.mockImplementation(async (operations) => {
      if (isSweep(operations)) {
        multi.mockImplementation(async (next) => {
          await original.multi(next);
          multi.mockImplementation(original.multi);
          throw new ZooKeeperError("CONNECTION_LOSS", "the answer is lost");
        });
        await other.remove(operations[5]!.path, -1);
      }
      return await original.multi(operations);
    });
    await log.storeSnapshot(snapshot());
    await eventually(() => left() === 0, "all are removed");
  });

  it("keeps the next controller's snapshot when the one before sweeps late", async () => {
    await append(3);
    const { log, client, children, original } = writer;
    const next = await connect();
    let hasEnded = false;
    children.mockImplementation(async (path) => {
      if (path.endsWith("/snapshots") && !hasEnded) {
        hasEnded = true;
        client.expire();
        const controllerEpoch = await becomeController(next.log, BROKER_2);
        const append = { id: testUuid(1), controllerEpoch, expectedOffset: 3, records: [feature(3)] };
        expect(await next.log.append(append)).toEqual({ kind: "done", endOffset: 4 });
        await next.log.storeSnapshot({ endOffset: 4, epoch: controllerEpoch, records: [feature(4)] });
      }
      return await original.children(path);
    });
    await log.storeSnapshot(snapshot());
    await eventually(() => left() === 0, "both have swept");
    expect((await next.log.loadSnapshot())?.records).toEqual([feature(4)]);
  });
});

function isSweep(operations: readonly ZnodeOperation[]): boolean {
  return operations[0]?.type === "remove" && operations[0].path.startsWith(`${ENTRIES}/`);
}

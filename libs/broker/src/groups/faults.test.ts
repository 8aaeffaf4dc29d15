import {
  ByteWriter,
  deleteTopicsApi,
  describeGroupsApi,
  ErrorCode,
  encodeRecordBatch,
  findCoordinatorApi,
  heartbeatApi,
  joinGroupApi,
  KafkaError,
  listGroupsApi,
  offsetCommitApi,
  offsetFetchApi,
  syncGroupApi,
} from "@ottla/protocol";
import { encodeEndTransactionMarker, offsetCommitRecord } from "@ottla/protocol/internal";
import { DiskError } from "@ottla/runtime";
import { describe, expect, it, vi } from "vitest";
import { Partition } from "../partition/partition.ts";
import { copyOf } from "../test-support/disk-copy.ts";
import { RecordingLogger } from "../test-support/recording-logger.ts";
import { startForTest } from "../test-support/start-for-test.ts";
import type { TestBroker, TestBrokerOptions } from "../test-support/test-broker.ts";
import type { TestClient } from "../test-support/test-client.ts";

const TOPIC = "__consumer_offsets";

/** A broker with one coordinator partition, a topic `t`, and a client. */
async function start(options: TestBrokerOptions = {}) {
  const config = { "offsets.topic.num.partitions": 1, ...options.config };
  const broker = await startForTest({ ...options, config });
  return { broker, client: broker.connect() };
}

async function ready(options: TestBrokerOptions = {}) {
  const { broker, client } = await start(options);
  await broker.createTopic("t", 3);
  await client.send(findCoordinatorApi, 0, { key: "g" });
  return { broker, client, partition: partitionOf(broker) };
}

const partitionOf = (broker: TestBroker): Partition => broker.broker.services.partitions.get(TOPIC, 0)!;

function commit(client: TestClient, committedOffset: number, options: { groupId?: string; metadata?: string } = {}) {
  const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: options.metadata ?? "" }];
  const body = { groupId: options.groupId ?? "g", memberId: "", topics: [{ name: "t", partitions }] };
  return client.send(offsetCommitApi, 9, body).then(({ topics }) => topics[0]!.partitions[0]!.errorCode);
}

async function fetchOffset(client: TestClient, groupId = "g") {
  const { topics, errorCode } = await client.send(offsetFetchApi, 7, { groupId, topics: null });
  return { errorCode, offset: topics[0]?.partitions[0]?.committedOffset };
}

async function stable(broker: TestBroker, client: TestClient, groupId = "g") {
  const body = {
    groupId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 20_000,
    memberId: "",
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: new Uint8Array(2) }],
  };
  const [joined] = await Promise.all([client.send(joinGroupApi, 3, body), broker.runtime.advance(0)]);
  const { memberId, generationId } = joined;
  const sync = { groupId, generationId, memberId, assignments: [] };
  expect((await client.send(syncGroupApi, 3, sync)).errorCode).toBe(ErrorCode.NONE);
  return { memberId, generationId };
}

describe("records that cannot be appended", () => {
  it("because one is too large fail alone, not with what came in the same turn", async () => {
    const { broker, client } = await ready({
      config: { "message.max.bytes": 2_000, "offset.metadata.max.bytes": 10_000 },
    });
    const other = broker.connect();
    const large = commit(client, 1, { groupId: "large", metadata: "x".repeat(3_000) });
    const small = commit(other, 2, { groupId: "small" });
    expect(await Promise.all([large, small])).toEqual([ErrorCode.UNKNOWN_SERVER_ERROR, ErrorCode.NONE]);
    const { groups } = await client.send(listGroupsApi, 5, {});
    expect(groups.map(({ groupId }) => groupId)).toEqual(["small"]);
  });

  it("because a name is too long for a record are refused", async () => {
    const { client } = await ready();
    expect(await commit(client, 1, { groupId: "g".repeat(40_000) })).toBe(ErrorCode.INVALID_REQUEST);
    expect(await commit(client, 1)).toBe(ErrorCode.NONE);
  });

  it("that are more than one batch holds become several", async () => {
    const { broker, partition } = await ready({ config: { "message.max.bytes": 1_000 } });
    const clients = Array.from({ length: 40 }, () => broker.connect());
    const commits = clients.map((client, index) => commit(client, index, { groupId: `group ${index}` }));
    expect(new Set(await Promise.all(commits))).toEqual(new Set([ErrorCode.NONE]));
    expect(partition.log.logEndOffset).toBe(40);
  });

  it("for want of replicas leave offsets as they were, and clients try again", async () => {
    const { client, partition } = await ready();
    await commit(client, 1);
    const append = vi.spyOn(partition, "appendAsLeader").mockImplementation(() => {
      throw KafkaError.fromCode(ErrorCode.NOT_ENOUGH_REPLICAS);
    });
    const [committed, fetched] = await Promise.all([commit(client, 2), fetchOffset(client)]);
    expect(committed).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(fetched).toMatchObject({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE });
    append.mockRestore();
    expect(await fetchOffset(client)).toEqual({ errorCode: 0, offset: 1 });
    expect(await commit(client, 3)).toBe(ErrorCode.NONE);
  });

  it("after all, when the log has taken them, are taken back with what came after them", async () => {
    const { broker, client, partition } = await ready();
    const { memberId, generationId } = await stable(broker, client, "members");
    await commit(client, 1);
    const { log } = partition;
    let fail = () => {};
    const written = new Promise<void>((_, reject) => {
      fail = () => reject(new DiskError("NO_SPACE", "/data", "no space left"));
    });
    written.catch(() => {});
    const offset = log.logEndOffset;
    const taken = {
      baseOffset: offset,
      lastOffset: offset,
      logAppendTimeMs: -1,
      logStartOffset: 0,
      isDuplicate: false,
    };
    const append = vi.spyOn(log, "appendAsLeader").mockReturnValue({ ...taken, written });
    const first = commit(client, 2);
    await broker.runtime.settle();
    const second = commit(broker.connect(), 3, { groupId: "new" });
    await broker.runtime.settle();
    fail();
    expect(await Promise.all([first, second])).toEqual([ErrorCode.NOT_COORDINATOR, ErrorCode.NOT_COORDINATOR]);
    append.mockRestore();
    expect(await fetchOffset(client)).toEqual({ errorCode: 0, offset: 1 });
    expect(await commit(client, 4)).toBe(ErrorCode.NONE);
    const beat = await client.send(heartbeatApi, 3, { groupId: "members", generationId, memberId });
    expect(beat.errorCode).toBe(ErrorCode.NONE);
    const again = await start({ disk: await copyOf(broker.disk) });
    await again.broker.runtime.settle();
    expect(await fetchOffset(again.client)).toEqual({ errorCode: 0, offset: 4 });
    expect(await fetchOffset(again.client, "new")).toEqual({ errorCode: 0, offset: undefined });
  });

  it("with an unknown fate have the groups loaded again: the log knows what is true", async () => {
    const logger = new RecordingLogger();
    const { broker, client, partition } = await ready({ logger });
    await commit(client, 1);
    const committedAt = vi.spyOn(partition, "committedAt").mockRejectedValueOnce(new Error("nobody knows"));
    expect(await commit(client, 2)).toBe(ErrorCode.NOT_COORDINATOR);
    committedAt.mockRestore();
    expect(await commit(client, 3)).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    await broker.runtime.advance(1_000);
    expect(logger.messages()).toContain("groups have to be loaded again");
    expect(await fetchOffset(client)).toEqual({ errorCode: 0, offset: 2 });
    expect(await commit(client, 3)).toBe(ErrorCode.NONE);
  });
});

describe("too few replicas in sync, with records under way", () => {
  it("refuse what is written, and tell what the log has after a while", async () => {
    const { broker, client, partition } = await ready({ config: { "min.insync.replicas": 2 } });
    await commit(client, 1);
    const { image } = partition;
    const replicas = [1, 2, 3];
    partition.update({ ...image, replicas, isr: replicas, partitionEpoch: image.partitionEpoch + 1 });
    const underWay = commit(client, 2);
    await broker.runtime.settle();
    const slow = fetchOffset(broker.connect());
    await broker.runtime.advance(5_000);
    expect(await underWay).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(await slow, "it may be committed yet").toMatchObject({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE });
    partition.update({ ...image, replicas, isr: [1], partitionEpoch: image.partitionEpoch + 2 });
    const stuck = fetchOffset(broker.connect());
    expect(await commit(client, 3)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    await broker.runtime.advance(5_000);
    expect(await stuck).toEqual({ errorCode: 0, offset: 2 });
  });
});

describe("loading", () => {
  it("has clients wait and try again; members need not worry", async () => {
    const { broker, client } = await ready();
    const { memberId, generationId } = await stable(broker, client);
    await commit(client, 7, { groupId: "other" });
    await broker.broker.shutdown();
    let release = () => {};
    const committed = new Promise<boolean>((resolve) => {
      release = () => resolve(true);
    });
    const committedAt = vi.spyOn(Partition.prototype, "committedOrStuckAt").mockReturnValue(committed);
    const { broker: again, client: back } = await start({ disk: broker.disk });
    const beat = () => back.send(heartbeatApi, 3, { groupId: "g", generationId, memberId });
    expect(await fetchOffset(back, "other")).toMatchObject({ errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS });
    expect((await beat()).errorCode).toBe(ErrorCode.NONE);
    expect((await back.send(listGroupsApi, 4, {})).errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    const described = await back.send(describeGroupsApi, 4, { groups: ["g"] });
    expect(described.groups[0]!.errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    committedAt.mockRestore();
    release();
    await again.runtime.settle();
    expect(await fetchOffset(back, "other")).toEqual({ errorCode: 0, offset: 7 });
    expect((await beat()).errorCode).toBe(ErrorCode.NONE);
    await again.runtime.advance(10_000);
    expect((await beat()).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it("knows all that was answered before the broker was killed", async () => {
    const { broker, client } = await ready();
    const { memberId, generationId } = await stable(broker, client);
    await commit(client, 7, { groupId: "other" });
    const { client: back, broker: again } = await start({ disk: await copyOf(broker.disk) });
    await again.runtime.settle();
    expect(await fetchOffset(back, "other")).toEqual({ errorCode: 0, offset: 7 });
    const beat = await back.send(heartbeatApi, 3, { groupId: "g", generationId, memberId });
    expect(beat.errorCode).toBe(ErrorCode.NONE);
  });

  it("waits for the end of the log to be committed, unless too few replicas are left for that", async () => {
    const { broker, client, partition } = await ready({ config: { "min.insync.replicas": 2 } });
    const { memberId, generationId } = await stable(broker, client, "members");
    await commit(client, 1);
    const { image } = partition;
    partition.update({ ...image, replicas: [1, 2, 3], isr: [1, 2, 3], partitionEpoch: image.partitionEpoch + 1 });
    const unanswered = commit(client, 2);
    await broker.runtime.settle();
    await broker.broker.services.partitions.replaceLog(partition, async () => {});
    expect(await unanswered).toBe(ErrorCode.NOT_COORDINATOR);
    expect(await fetchOffset(client)).toMatchObject({ errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS });
    const led = partitionOf(broker);
    led.update({ ...led.image, isr: [1], partitionEpoch: led.image.partitionEpoch + 1 });
    await broker.runtime.settle();
    expect(led.log.highWatermark).toBeLessThan(led.log.logEndOffset);
    expect(await fetchOffset(client)).toEqual({ errorCode: 0, offset: 2 });
    const { groups } = await client.send(describeGroupsApi, 4, { groups: ["members"] });
    expect(groups[0]).toMatchObject({ errorCode: 0, groupState: "Stable", members: [{ memberId }] });
    const beat = await client.send(heartbeatApi, 3, { groupId: "members", generationId, memberId });
    expect(beat.errorCode).toBe(ErrorCode.NONE);
    expect(await commit(client, 3)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(await fetchOffset(client)).toEqual({ errorCode: 0, offset: 2 });
  });

  it("passes over records that make no sense here, with one line for each kind", async () => {
    const logger = new RecordingLogger();
    const { broker, client, partition } = await ready();
    await commit(client, 7);
    const unknown = (type: number) => {
      const key = new ByteWriter();
      key.writeInt16(type);
      return { key: key.toUint8Array(), value: new Uint8Array(4) };
    };
    const records = [
      unknown(99),
      unknown(99),
      unknown(17),
      { key: new Uint8Array(1), value: null },
      { value: "no key" },
    ];
    await append(partition, encodeRecordBatch({ records, timestampMs: 1 }));
    await commit(client, 8);
    const { client: back, broker: again } = await start({ disk: await copyOf(broker.disk), logger });
    await again.runtime.settle();
    expect(await fetchOffset(back)).toEqual({ errorCode: 0, offset: 8 });
    const passedOver = logger.lines.filter(({ message }) => message.includes("passed over"));
    expect(new Set(passedOver.map(({ fields }) => fields.reason))).toEqual(
      new Set([
        "records of type 99 are not known",
        "records of type 17 are not known",
        "2 bytes are needed where 1 are left",
      ]),
    );
  });

  it("takes transactions into account", async () => {
    const { broker, client, partition } = await ready();
    await commit(client, 7);
    const inTransaction = (producerId: number, offset: number) =>
      encodeRecordBatch({
        records: [transactionalOffset(offset)],
        timestampMs: 1,
        producerId,
        producerEpoch: 0,
        baseSequence: 0,
        isTransactional: true,
      });
    const end = { producerEpoch: 0, coordinatorEpoch: 0, timestampMs: 1 };
    await append(partition, inTransaction(1, 50));
    await append(partition, encodeEndTransactionMarker({ ...end, type: "abort", producerId: 1 }), "control");
    await append(partition, inTransaction(2, 60));
    const open = await start({ disk: await copyOf(broker.disk) });
    await open.broker.runtime.settle();
    const stableOnly = await open.client.send(offsetFetchApi, 7, { groupId: "g", topics: null, requireStable: true });
    expect(stableOnly.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.UNSTABLE_OFFSET_COMMIT);
    expect(await fetchOffset(open.client)).toEqual({ errorCode: 0, offset: 7 });
    await append(partition, encodeEndTransactionMarker({ ...end, type: "commit", producerId: 2 }), "control");
    const ended = await start({ disk: await copyOf(broker.disk) });
    await ended.broker.runtime.settle();
    expect(await fetchOffset(ended.client)).toEqual({ errorCode: 0, offset: 60 });
  });
});

function transactionalOffset(offset: number) {
  const key = offsetCommitRecord.encodeKey({ group: "g", topic: "t", partition: 0 });
  return { key, value: offsetCommitRecord.encodeValue({ offset, metadata: "", commitTimestamp: 1 }, 3) };
}

async function append(partition: Partition, batch: Uint8Array, origin: "coordinator" | "control" = "coordinator") {
  await partition.appendAsLeader(batch, { acks: -1, origin }).committed;
}

describe("a leadership that ends", () => {
  it("sends everybody away who waits, and begins anew with what the log has then", async () => {
    const { broker, client } = await ready({ config: { "group.initial.rebalance.delay.ms": 60_000 } });
    await commit(client, 7, { groupId: "other" });
    const waiting = client.send(joinGroupApi, 3, {
      groupId: "g",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 20_000,
      memberId: "",
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: new Uint8Array(2) }],
    });
    await broker.runtime.settle();
    const admin = broker.connect();
    const { responses } = await admin.send(deleteTopicsApi, 5, { topicNames: [TOPIC], timeoutMs: 1_000 });
    expect(responses[0]!.errorCode).toBe(ErrorCode.NONE);
    expect((await waiting).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(await fetchOffset(client, "other")).toMatchObject({ errorCode: ErrorCode.NOT_COORDINATOR });
    await client.send(findCoordinatorApi, 0, { key: "g" });
    expect(await fetchOffset(client, "other")).toEqual({ errorCode: 0, offset: undefined });
    expect(await commit(client, 1)).toBe(ErrorCode.NONE);
  });

  it("while its groups are being loaded has nobody served by what is loaded then", async () => {
    const { broker, client } = await ready();
    await commit(client, 7);
    let release = () => {};
    const committed = new Promise<boolean>((resolve) => {
      release = () => resolve(true);
    });
    const committedAt = vi.spyOn(Partition.prototype, "committedOrStuckAt").mockReturnValue(committed);
    const logger = new RecordingLogger();
    const { broker: again, client: back } = await start({ disk: await copyOf(broker.disk), logger });
    await again.runtime.settle();
    expect(await fetchOffset(back)).toMatchObject({ errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS });
    await back.send(deleteTopicsApi, 5, { topicNames: [TOPIC], timeoutMs: 1_000 });
    expect(await fetchOffset(back)).toMatchObject({ errorCode: ErrorCode.NOT_COORDINATOR });
    committedAt.mockRestore();
    // Another epoch of the same partition begins, with nothing in its log.
    await back.send(findCoordinatorApi, 0, { key: "g" });
    release();
    await again.runtime.settle();
    expect(logger.messages()).not.toContain("groups are loaded");
    expect(await fetchOffset(back)).toEqual({ errorCode: 0, offset: undefined });
    expect(await commit(back, 1)).toBe(ErrorCode.NONE);
    expect(await fetchOffset(back)).toEqual({ errorCode: 0, offset: 1 });
  });

  it("leaves no timer behind", async () => {
    const { broker: idle } = await start();
    await idle.createTopic("t");
    const { broker, client } = await ready();
    await stable(broker, client);
    await Promise.all([idle, broker].map((each) => each[Symbol.asyncDispose]()));
    expect(broker.runtime.pendingTimers).toBe(idle.runtime.pendingTimers);
  });
});

import { ErrorCode, KafkaError, metadataApi, type RequestInput, ZERO_UUID } from "@ottla/protocol";
import { afterEach, describe, expect, it } from "vitest";
import type { ControllerGateway } from "../services/broker-services.ts";
import { TestBroker, type TestBrokerOptions } from "../test-support/test-broker.ts";
import { describeTopic } from "./metadata.ts";

let test: TestBroker;

const start = async (options: TestBrokerOptions = {}) => {
  test = await TestBroker.start(options);
};
afterEach(() => test[Symbol.asyncDispose]());

const ask = (input: RequestInput<typeof metadataApi>, version = 12) => test.client.send(metadataApi, version, input);
const named = (name: string) => ({ topics: [{ name }] });

describe("Metadata", () => {
  it("lists all topics for null, and in v0 for an empty list", async () => {
    await start();
    for (const name of ["b", "a"]) await test.createTopic(name);
    for (const version of [1, 5, 9, 12, 13]) {
      expect((await ask({ topics: null }, version)).topics.map(({ name }) => name)).toEqual(["a", "b"]);
      expect((await ask({ topics: [] }, version)).topics).toEqual([]);
    }
    expect((await ask({ topics: [] }, 0)).topics.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  it("leaves replicas whose broker is gone out in v0, and says so there", async () => {
    await start();
    await test.createTopic("a");
    const { image } = test.broker.services;
    const [topic, broker] = [image.topicsByName.get("a")!, image.brokers.get("1")!];
    const withDead = { ...image, brokers: image.brokers.set("2", { ...broker, brokerId: 2, fenced: true }) };
    const describe = (replicas: readonly number[], isr: readonly number[], version: number, leader = 1) => {
      const partition = { ...topic.partitions[0]!, leader, replicas, isr };
      const [described] = describeTopic(withDead, { ...topic, partitions: [partition] }, version).partitions;
      const { errorCode, leaderId, replicaNodes, isrNodes } = described!;
      return [errorCode, leaderId, replicaNodes, isrNodes];
    };
    expect(describe([1, 2], [1], 0)).toEqual([ErrorCode.REPLICA_NOT_AVAILABLE, 1, [1], [1]]);
    expect(describe([1, 2], [1, 2], 1)).toEqual([ErrorCode.NONE, 1, [1, 2], [1, 2]]);
    expect(describe([1], [1], 0)).toEqual([ErrorCode.NONE, 1, [1], [1]]);
    expect(describe([1, 2], [2], 0, 2)).toEqual([ErrorCode.LEADER_NOT_AVAILABLE, -1, [1], []]);
  });

  it("creates a topic that is asked for, and answers with it", async () => {
    await start({ config: { "num.partitions": 3 } });
    for (const version of [0, 3, 4, 8, 9, 12, 13]) {
      const { topics } = await ask(named(`new-v${version}`), version);
      expect(topics).toMatchObject([{ errorCode: ErrorCode.NONE, name: `new-v${version}` }]);
      expect(topics[0]!.partitions.map(({ leaderId }) => leaderId)).toEqual([1, 1, 1]);
      expect(test.broker.services.partitions.get(`new-v${version}`, 2)?.isLeader).toBe(true);
    }
  });

  it("creates a topic once however many ask for it at the same time", async () => {
    await start();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => test.connect().send(metadataApi, 12, named("a"))),
    );
    expect(new Set(answers.map(({ topics }) => topics[0]!.topicId)).size).toBe(1);
    expect(answers.every(({ topics }) => topics[0]!.errorCode === ErrorCode.NONE)).toBe(true);
  });

  it("does not create what the client does not want", async () => {
    await start();
    const { topics } = await ask({ ...named("a"), allowAutoTopicCreation: false });
    expect(topics).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name: "a", partitions: [] }]);
    expect(await test.topicNames()).toEqual([]);
  });

  it("does not create what the broker's config forbids", async () => {
    await start({ config: { "auto.create.topics.enable": false } });
    expect((await ask(named("a"))).topics).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }]);
    expect(await test.topicNames()).toEqual([]);
  });

  it.each(["", "a b", ".", "x".repeat(250)])("refuses the name %j", async (name) => {
    await start();
    for (const allowAutoTopicCreation of [true, false]) {
      const { topics } = await ask({ ...named(name), allowAutoTopicCreation });
      expect(topics).toMatchObject([{ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, name }]);
    }
  });

  it("refuses a name that is too like another", async () => {
    await start();
    await test.createTopic("a.b");
    expect((await ask(named("a_b"))).topics).toMatchObject([{ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION }]);
  });

  it("says LEADER_NOT_AVAILABLE where a topic cannot be created just now: every client tries that again", async () => {
    await start();
    const gateway = test.broker.services.controller as { submit: ControllerGateway["submit"] };
    gateway.submit = () => Promise.reject(KafkaError.fromCode(ErrorCode.NOT_CONTROLLER));
    expect((await ask(named("a"))).topics).toMatchObject([{ errorCode: ErrorCode.LEADER_NOT_AVAILABLE, name: "a" }]);
  });

  it("answers a topic that is asked for twice once", async () => {
    await start();
    await test.createTopic("a");
    const twice = { topics: [{ name: "a" }, { name: "b" }, { name: "a" }], allowAutoTopicCreation: false };
    expect((await ask(twice)).topics.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  it("finds topics by their ids from v12 on, and refuses to before", async () => {
    await start();
    const topicId = await test.createTopic("a");
    const byId = (id: string) => ({ topics: [{ topicId: id, name: null }] });
    expect((await ask(byId(topicId), 12)).topics).toMatchObject([{ errorCode: 0, name: "a", topicId }]);
    const unknown = "AAAAAAAAAAAAAAAAAAAACQ";
    expect((await ask(byId(unknown), 12)).topics).toMatchObject([
      { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId: unknown, partitions: [] },
    ]);
    expect((await ask({ topics: [{ topicId, name: "a" }] }, 10)).topics).toMatchObject([
      { errorCode: ErrorCode.INVALID_REQUEST },
    ]);
  });

  it("tells what a client may do, only where it asks", async () => {
    await start();
    await test.createTopic("a");
    const asked = await ask(
      { ...named("a"), includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true },
      8,
    );
    expect(asked.topics[0]!.topicAuthorizedOperations).toBeGreaterThan(0);
    expect(asked.clusterAuthorizedOperations).toBeGreaterThan(0);
    const plain = await ask(named("a"), 8);
    expect([plain.topics[0]!.topicAuthorizedOperations, plain.clusterAuthorizedOperations]).toEqual([
      -(2 ** 31),
      -(2 ** 31),
    ]);
  });

  it("marks the broker's own topics", async () => {
    await start();
    await test.broker.services.topics.ensure("__consumer_offsets");
    const { topics } = await ask({ topics: null });
    expect(topics).toMatchObject([{ name: "__consumer_offsets", isInternal: true }]);
    expect(topics[0]!.partitions).toHaveLength(3);
    expect(topics[0]!.partitions[0]!.replicaNodes).toEqual([1]);
  });

  it("names a leader whose broker is gone as none", async () => {
    await start();
    await test.createTopic("a");
    await test.broker.services.controller.submit(({ image }) => ({
      records: [{ type: "FenceBrokerRecord", id: 1, epoch: image.brokers.get("1")!.epoch }],
      response: null,
    }));
    const errors = [];
    for (const version of [5, 6]) {
      const { brokers, topics } = await ask(named("a"), version);
      expect(brokers).toEqual([]);
      expect(topics[0]!.partitions[0]).toMatchObject({ leaderId: -1, offlineReplicas: [1] });
      errors.push(topics[0]!.partitions[0]!.errorCode);
    }
    expect(errors).toEqual([ErrorCode.LEADER_NOT_AVAILABLE, ErrorCode.LISTENER_NOT_FOUND]);
  });

  it("does not know ids of no topic", async () => {
    await start();
    const { topics } = await ask({ topics: [{ topicId: ZERO_UUID, name: null }] }, 12);
    expect(topics).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_ID }]);
  });
});

import {
  type ApiDefinition,
  consumerGroupHeartbeatApi,
  consumerProtocolSubscription,
  ErrorCode,
  encodeConsumerProtocol,
  errorByCode,
  heartbeatApi,
  joinGroupApi,
  offsetCommitApi,
  offsetFetchApi,
  type RequestInput,
  type ResponseOf,
  syncGroupApi,
} from "@ottla/protocol";
import type { BrokerConnection } from "@ottla/transport";
import { expect } from "vitest";
import { until } from "./until.ts";

const COMMITTED_OFFSET = 7;
const FIRST_EPOCH = 1;
const NO_BYTES = new Uint8Array();

const LOADING: readonly number[] = [
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
];

/** Kafka's name of an error. */
export const nameOf = (errorCode: number): string => errorByCode(errorCode).name;

/** What a client of the classic protocol tells of its subscription. */
export function subscriptionTo(...topics: readonly string[]): Uint8Array {
  const subscription = { topics, userData: null, ownedPartitions: [], generationId: -1, rackId: null };
  return encodeConsumerProtocol(consumerProtocolSubscription, subscription, 3);
}

export interface Topic {
  readonly name: string;
  readonly id: string;
}

/** Speaks the protocols of groups by hand, for a group that has one member and a committed offset. */
export class GroupHand {
  readonly groupId: string;
  readonly topic: Topic;
  readonly instanceId: string | null;
  memberId = "";
  /** Its generation, or its epoch. */
  epoch = -1;
  readonly #connection: BrokerConnection;
  readonly #protocol: "classic" | "consumer";

  private constructor(
    connection: BrokerConnection,
    topic: Topic,
    groupId: string,
    protocol: "classic" | "consumer",
    instanceId: string | null,
  ) {
    this.#connection = connection;
    this.topic = topic;
    this.groupId = groupId;
    this.#protocol = protocol;
    this.instanceId = instanceId;
  }

  /** A stable group of the classic protocol. */
  static async classic(connection: BrokerConnection, topic: Topic, groupId: string, instanceId: string | null = null) {
    const hand = new GroupHand(connection, topic, groupId, "classic", instanceId);
    await hand.#joinClassic();
    await hand.#commitFirst();
    return hand;
  }

  /** A stable group of the consumer protocol. */
  static async consumer(connection: BrokerConnection, topic: Topic, groupId: string, instanceId: string | null = null) {
    const hand = new GroupHand(connection, topic, groupId, "consumer", instanceId);
    hand.memberId = `${groupId}-member`;
    await hand.#joinConsumer();
    await hand.#commitFirst();
    return hand;
  }

  ask<A extends ApiDefinition>(api: A, version: number, body: RequestInput<A>): Promise<ResponseOf<A>> {
    return this.#connection.request(api, body, { version });
  }

  /** JoinGroup of a newcomer, unless `changes` says otherwise. */
  join(changes: Partial<RequestInput<typeof joinGroupApi>> = {}, version = 9) {
    return this.ask(joinGroupApi, version, {
      groupId: this.groupId,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      memberId: "",
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: subscriptionTo(this.topic.name) }],
      ...changes,
    });
  }

  /** SyncGroup of the member, but for `changes`; the same goes for the others. */
  sync(changes: Partial<RequestInput<typeof syncGroupApi>> = {}, version = 5) {
    return this.ask(syncGroupApi, version, {
      groupId: this.groupId,
      generationId: this.epoch,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      protocolType: "consumer",
      protocolName: "range",
      assignments: [],
      ...changes,
    });
  }

  async heartbeat(changes: Partial<RequestInput<typeof heartbeatApi>> = {}, version = 4): Promise<string> {
    const answer = await this.ask(heartbeatApi, version, {
      groupId: this.groupId,
      generationId: this.epoch,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      ...changes,
    });
    return nameOf(answer.errorCode);
  }

  /** ConsumerGroupHeartbeat of the member. */
  consumerHeartbeat(changes: Partial<RequestInput<typeof consumerGroupHeartbeatApi>> = {}, version = 1) {
    return this.ask(consumerGroupHeartbeatApi, version, {
      groupId: this.groupId,
      memberId: this.memberId,
      memberEpoch: this.epoch,
      instanceId: this.instanceId,
      ...changes,
    });
  }

  /** ConsumerGroupHeartbeat of a newcomer. */
  consumerJoin(changes: Partial<RequestInput<typeof consumerGroupHeartbeatApi>> = {}, version = 1) {
    return this.consumerHeartbeat(
      {
        memberId: "newcomer",
        memberEpoch: 0,
        instanceId: null,
        rebalanceTimeoutMs: 30_000,
        subscribedTopicNames: [this.topic.name],
        topicPartitions: [],
        ...changes,
      },
      version,
    );
  }

  async commit(
    changes: Partial<RequestInput<typeof offsetCommitApi>> = {},
    { version = 9, topic = this.topic, partition = 0, offset = 9, metadata = "" } = {},
  ): Promise<string> {
    const { topics } = await this.ask(offsetCommitApi, version, {
      groupId: this.groupId,
      generationIdOrMemberEpoch: this.epoch,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      topics: [
        {
          name: topic.name,
          topicId: topic.id,
          partitions: [{ partitionIndex: partition, committedOffset: offset, committedMetadata: metadata }],
        },
      ],
      ...changes,
    });
    return nameOf(topics[0]!.partitions[0]!.errorCode);
  }

  /** OffsetFetch: the group's error, or the partition's with its offset. */
  async fetch(
    changes: Partial<NonNullable<RequestInput<typeof offsetFetchApi>["groups"]>[number]> = {},
    { version = 9, topic = this.topic, partition = 0 } = {},
  ): Promise<string> {
    const { groups } = await this.ask(offsetFetchApi, version, {
      groups: [
        {
          groupId: this.groupId,
          topics: [{ name: topic.name, topicId: topic.id, partitionIndexes: [partition] }],
          ...changes,
        },
      ],
    });
    const { errorCode, topics } = groups[0]!;
    const fetched = topics[0]?.partitions[0];
    if (errorCode !== ErrorCode.NONE || fetched === undefined) return nameOf(errorCode);
    return `${nameOf(fetched.errorCode)} ${fetched.committedOffset}`;
  }

  /** The member is one as before, and so is what the group has committed. */
  async expectUnharmed(): Promise<void> {
    if (this.#protocol === "classic") expect(await this.heartbeat()).toBe("NONE");
    else expect(nameOf((await this.consumerHeartbeat()).errorCode)).toBe("NONE");
    expect(await this.fetch()).toBe(`NONE ${COMMITTED_OFFSET}`);
  }

  async #joinClassic(): Promise<void> {
    let answer = await this.#patiently(() => this.join({ groupInstanceId: this.instanceId }));
    if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) answer = await this.join({ memberId: answer.memberId });
    expect(nameOf(answer.errorCode)).toBe("NONE");
    this.memberId = answer.memberId;
    this.epoch = answer.generationId;
    const synced = await this.sync({ assignments: [{ memberId: this.memberId, assignment: NO_BYTES }] });
    expect(nameOf(synced.errorCode)).toBe("NONE");
  }

  async #joinConsumer(): Promise<void> {
    const { memberId, instanceId } = this;
    const joined = await this.#patiently(() => this.consumerJoin({ memberId, instanceId }));
    expect(nameOf(joined.errorCode)).toBe("NONE");
    this.epoch = joined.memberEpoch;
    let assignment = joined.assignment;
    await until("the member has its assignment", async () => {
      if (assignment !== null && assignment.topicPartitions.length > 0) return true;
      const answer = await this.consumerHeartbeat();
      this.epoch = answer.memberEpoch;
      assignment = answer.assignment;
      return false;
    });
    const topicPartitions = assignment!.topicPartitions.map((topic) => ({ ...topic }));
    // Another subscription, and the epoch is one that has a past.
    const subscribedTopicNames = [this.topic.name, "not-there-yet"];
    this.epoch = (await this.consumerHeartbeat({ topicPartitions, subscribedTopicNames })).memberEpoch;
    await until("the member is in its second epoch", async () => {
      if (this.epoch > FIRST_EPOCH) return true;
      this.epoch = (await this.consumerHeartbeat()).memberEpoch;
      return false;
    });
  }

  async #commitFirst(): Promise<void> {
    expect(await this.commit({}, { offset: COMMITTED_OFFSET })).toBe("NONE");
  }

  /** Asks again while the coordinator is loading. */
  async #patiently<T extends { readonly errorCode: number }>(ask: () => Promise<T>): Promise<T> {
    let answer = await ask();
    await until("the coordinator is there", async () => {
      if (!LOADING.includes(answer.errorCode)) return true;
      answer = await ask();
      return false;
    });
    return answer;
  }
}

import { FakeCluster, topicIdOf } from "@ottla/client/test-support";
import {
  consumerGroupHeartbeatApi,
  ErrorCode,
  encodeRecordBatch,
  type FetchRequest,
  fetchApi,
  heartbeatApi,
  joinGroupApi,
  leaveGroupApi,
  listOffsetsApi,
  offsetCommitApi,
  offsetFetchApi,
  offsetForLeaderEpochApi,
  type RecordBatchInput,
  type RequestOf,
  type ResponseInput,
  syncGroupApi,
} from "@ottla/protocol";
import { assignOffsets, lastOffsetAt } from "@ottla/protocol/internal";
import type { SimulatedRuntime } from "@ottla/runtime";

type FetchPartition = FetchRequest["topics"][number]["partitions"][number];
type PartitionAnswer = NonNullable<ResponseInput<typeof fetchApi>["responses"][number]["partitions"]>[number];

/** The log of one partition: whole batches. */
export class FakeLog {
  readonly batches: Uint8Array[] = [];
  logStartOffset = 0;
  /** The first offset at or after a time; -1 if there is none. */
  offsetForTime: (timestampMs: number) => number = () => -1;
  /** Where the log ends as far as it is of that leader epoch, or of the last one before. */
  endOfEpoch: (leaderEpoch: number) => { leaderEpoch: number; endOffset: number } = (leaderEpoch) => {
    return { leaderEpoch, endOffset: this.nextOffset };
  };
  nextOffset = 0;
  abortedTransactions: { producerId: number; firstOffset: number }[] = [];

  append(batch: Uint8Array, offset = this.nextOffset): void {
    assignOffsets(batch, 0, offset, 0);
    this.batches.push(batch);
    this.nextOffset = lastOffsetAt(batch, 0) + 1;
  }

  /** As a broker reads: whole batches from the one that holds `offset`, the last one cut where the limit is. */
  read(offset: number, maxBytes: number): Uint8Array {
    const batches = this.batches.filter((batch) => lastOffsetAt(batch, 0) >= offset);
    const all = Buffer.concat(batches);
    return new Uint8Array(all.subarray(0, Math.max(batches[0]?.length ?? 0, maxBytes)));
  }
}

/**
 * A broker in memory for what a real one does not do on demand: wrong bytes, errors of all kinds, silence. One member
 * at a time may be in a group, and leads it.
 */
export class FakeKafka {
  readonly cluster: FakeCluster;
  readonly runtime: SimulatedRuntime;
  /** Every Fetch request, in order. */
  readonly fetches: FetchRequest[] = [];
  readonly heartbeats: RequestOf<typeof heartbeatApi>[] = [];
  readonly joins: RequestOf<typeof joinGroupApi>[] = [];
  readonly leaves: RequestOf<typeof leaveGroupApi>[] = [];
  readonly commits: RequestOf<typeof offsetCommitApi>[] = [];
  /** Changes the answer for a partition; by default it stays. */
  fetchFault: (answer: PartitionAnswer, topic: string, offset: number) => PartitionAnswer = (answer) => answer;
  /** The replica that leaders name to consumers that say where they are (KIP-392); with it followers answer too. */
  preferredReplica: number | undefined;
  /** What followers answer with in place of records. */
  followerError: number = ErrorCode.NONE;
  /** Hears of every Fetch request, and of who got it. */
  onFetch: (request: FetchRequest, brokerId: number) => void = () => {};
  /** What fetches are told to wait for. */
  throttleTimeMs = 0;
  /** What the next heartbeats are answered with. */
  heartbeatErrors: number[] = [];
  joinErrors: number[] = [];
  /** Holds the answers to JoinGroup back until it settles. */
  joinGate: Promise<void> | undefined;
  /** What the member of a consumer-protocol group is to read, by topic; at first all of `t`. */
  #target: Readonly<Record<string, readonly number[]>> = { t: [0, 1] };
  #targetEpoch = 1;
  #toldEpoch = 0;
  readonly consumerHeartbeats: RequestOf<typeof consumerGroupHeartbeatApi>[] = [];
  /** What heartbeats of the consumer protocol are answered with otherwise. */
  consumerVerdict: (request: RequestOf<typeof consumerGroupHeartbeatApi>) => number = () => ErrorCode.NONE;
  /** What the next heartbeats of the consumer protocol are answered with. */
  consumerHeartbeatErrors: number[] = [];
  commitError: number = ErrorCode.NONE;
  readonly committed = new Map<string, number>();
  generationId = 0;
  readonly #logs = new Map<string, FakeLog>();
  #memberNumber = 0;
  #onAppend: (() => void)[] = [];

  constructor(runtime: SimulatedRuntime, topics: Readonly<Record<string, number>>, brokers = 1) {
    this.runtime = runtime;
    this.cluster = new FakeCluster({ runtime, topics, brokers });
    this.cluster.handle(fetchApi, (request, brokerId) => this.#fetch(request, brokerId));
    this.cluster.handle(listOffsetsApi, (request) => this.#listOffsets(request));
    this.cluster.handle(offsetForLeaderEpochApi, (request) => this.#offsetForLeaderEpoch(request));
    this.cluster.handle(offsetFetchApi, (request) => this.#offsetFetch(request));
    this.cluster.handle(offsetCommitApi, (request) => this.#offsetCommit(request));
    this.cluster.handle(joinGroupApi, async (request) => {
      await this.joinGate;
      return this.#join(request);
    });
    this.cluster.handle(syncGroupApi, (request) => ({
      errorCode: ErrorCode.NONE,
      protocolType: "consumer",
      protocolName: request.protocolName,
      assignment: request.assignments[0]!.assignment,
    }));
    this.cluster.handle(heartbeatApi, (request) => {
      this.heartbeats.push(request);
      return { errorCode: this.heartbeatErrors.shift() ?? ErrorCode.NONE };
    });
    this.cluster.handle(consumerGroupHeartbeatApi, (request) => this.#consumerHeartbeat(request));
    this.cluster.handle(leaveGroupApi, (request) => {
      this.leaves.push(request);
      return { errorCode: ErrorCode.NONE, members: [] };
    });
  }

  /** What every client of this broker is configured with. */
  get clientOptions() {
    const { cluster, runtime } = this;
    return { bootstrapServers: cluster.bootstrapServers, connector: cluster.connector, runtime };
  }

  log(topic: string, partition: number): FakeLog {
    const key = `${topic}:${partition}`;
    const log = this.#logs.get(key) ?? new FakeLog();
    this.#logs.set(key, log);
    return log;
  }

  /** Appends a batch with these values. */
  append(topic: string, partition: number, values: readonly string[], batch: Partial<RecordBatchInput> = {}): void {
    const records = values.map((value) => ({ key: `key of ${value}`, value }));
    this.log(topic, partition).append(encodeRecordBatch({ records, timestampMs: 1_000, ...batch }));
    for (const wake of this.#onAppend.splice(0)) wake();
  }

  async #fetch(request: FetchRequest, brokerId: number): Promise<ResponseInput<typeof fetchApi>> {
    this.fetches.push(request);
    this.onFetch(request, brokerId);
    const first = this.#read(request, brokerId);
    if (first.hasNews) return first.response;
    await Promise.race([
      new Promise<void>((resolve) => this.#onAppend.push(resolve)),
      new Promise<void>((resolve) => this.runtime.timers.schedule(request.maxWaitMs, resolve)),
    ]);
    return this.#read(request, brokerId).response;
  }

  #read(request: FetchRequest, brokerId: number) {
    let hasNews = false;
    const responses = request.topics.map(({ topicId, partitions }) => {
      const topic = this.#nameOf(topicId);
      const answers = partitions.map((partition) => {
        const read = this.#readPartition(topic, partition, brokerId, request.rackId !== "");
        const answer = this.fetchFault(read, topic, partition.fetchOffset);
        const isElsewhere = (answer.preferredReadReplica ?? -1) >= 0;
        hasNews ||= answer.errorCode !== ErrorCode.NONE || isElsewhere || (answer.records?.length ?? 0) > 0;
        return answer;
      });
      return { topicId, partitions: answers };
    });
    const { nodeEndpoints } = this.cluster;
    return { hasNews, response: { throttleTimeMs: this.throttleTimeMs, responses, nodeEndpoints } };
  }

  #readPartition(topic: string, asked: FetchPartition, brokerId: number, hasRack: boolean): PartitionAnswer {
    const log = this.log(topic, asked.partition);
    const answer = {
      partitionIndex: asked.partition,
      errorCode: ErrorCode.NONE as number,
      highWatermark: log.nextOffset,
      lastStableOffset: log.nextOffset,
      logStartOffset: log.logStartOffset,
      abortedTransactions: log.abortedTransactions,
      records: new Uint8Array(0),
    };
    const leader = this.cluster.partition(topic, asked.partition);
    const isLeader = leader.leader === brokerId;
    const { preferredReplica, followerError } = this;
    const isServed = isLeader || (hasRack && preferredReplica === brokerId);
    const currentLeader = this.cluster.leaderHint(leader);
    if (!isServed) return { ...answer, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, currentLeader };
    if (!isLeader && followerError !== ErrorCode.NONE) return { ...answer, errorCode: followerError };
    if (asked.currentLeaderEpoch < leader.leaderEpoch) return { ...answer, errorCode: ErrorCode.FENCED_LEADER_EPOCH };
    if (asked.fetchOffset < log.logStartOffset || asked.fetchOffset > log.nextOffset) {
      return { ...answer, errorCode: ErrorCode.OFFSET_OUT_OF_RANGE };
    }
    if (isLeader && hasRack && preferredReplica !== undefined && preferredReplica !== brokerId)
      return { ...answer, preferredReadReplica: preferredReplica };
    return { ...answer, records: log.read(asked.fetchOffset, asked.partitionMaxBytes) };
  }

  #listOffsets(request: RequestOf<typeof listOffsetsApi>): ResponseInput<typeof listOffsetsApi> {
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, timestamp }) => {
        const log = this.log(name, partitionIndex);
        const atEnd = timestamp === -2 ? log.logStartOffset : log.nextOffset;
        const offset = timestamp >= 0 ? log.offsetForTime(timestamp) : atEnd;
        // As Kafka does: a partition may be asked for once in a request.
        const isOnce = partitions.filter((other) => other.partitionIndex === partitionIndex).length === 1;
        return { partitionIndex, errorCode: isOnce ? ErrorCode.NONE : ErrorCode.INVALID_REQUEST, offset };
      }),
    }));
    return { topics };
  }

  #offsetForLeaderEpoch(
    request: RequestOf<typeof offsetForLeaderEpochApi>,
  ): ResponseInput<typeof offsetForLeaderEpochApi> {
    const topics = request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, leaderEpoch }) => {
        const known = this.log(topic, partition).endOfEpoch(leaderEpoch);
        return { errorCode: ErrorCode.NONE, partition, ...known };
      }),
    }));
    return { throttleTimeMs: 0, topics };
  }

  #offsetFetch(request: RequestOf<typeof offsetFetchApi>): ResponseInput<typeof offsetFetchApi> {
    const groups = request.groups.map(({ groupId, topics }) => ({
      groupId,
      errorCode: ErrorCode.NONE,
      topics: (topics ?? []).map(({ topicId, partitionIndexes }) => ({
        topicId,
        partitions: partitionIndexes.map((partitionIndex) => ({
          partitionIndex,
          committedOffset: this.committed.get(`${this.#nameOf(topicId)}:${partitionIndex}`) ?? -1,
          metadata: "",
          errorCode: ErrorCode.NONE,
        })),
      })),
    }));
    return { groups };
  }

  #offsetCommit(request: RequestOf<typeof offsetCommitApi>): ResponseInput<typeof offsetCommitApi> {
    this.commits.push(request);
    const errorCode = this.commitError;
    const topics = request.topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partitionIndex, committedOffset }) => {
        const key = `${this.#nameOf(topicId)}:${partitionIndex}`;
        if (errorCode === ErrorCode.NONE) this.committed.set(key, committedOffset);
        return { partitionIndex, errorCode };
      }),
    }));
    return { topics };
  }

  #join(request: RequestOf<typeof joinGroupApi>): ResponseInput<typeof joinGroupApi> {
    this.joins.push(request);
    const errorCode = this.joinErrors.shift() ?? ErrorCode.NONE;
    const none = { errorCode, protocolName: "", leader: "", memberId: request.memberId, members: [] };
    if (errorCode !== ErrorCode.NONE) return none;
    if (request.memberId === "" && request.groupInstanceId === null) {
      return { ...none, errorCode: ErrorCode.MEMBER_ID_REQUIRED, memberId: `member-${++this.#memberNumber}` };
    }
    const memberId = request.memberId || `static-${++this.#memberNumber}`;
    const protocol = request.protocols[0]!;
    this.generationId++;
    return {
      errorCode,
      generationId: this.generationId,
      protocolType: "consumer",
      protocolName: protocol.name,
      leader: memberId,
      memberId,
      members: [{ memberId, groupInstanceId: request.groupInstanceId, metadata: protocol.metadata }],
    };
  }

  /** From now on the member of a consumer-protocol group is to read this. */
  assignTo(target: Readonly<Record<string, readonly number[]>>): void {
    this.#target = target;
    this.#targetEpoch++;
  }

  #consumerHeartbeat(
    request: RequestOf<typeof consumerGroupHeartbeatApi>,
  ): ResponseInput<typeof consumerGroupHeartbeatApi> {
    this.consumerHeartbeats.push(request);
    const errorCode = this.consumerHeartbeatErrors.shift() ?? this.consumerVerdict(request);
    const base = { throttleTimeMs: 0, errorCode, memberId: request.memberId, heartbeatIntervalMs: 1_000 };
    if (errorCode !== ErrorCode.NONE) return { ...base, memberEpoch: 0 };
    if (request.memberEpoch < 0) return { ...base, memberEpoch: -1 };
    const isNews = request.memberEpoch === 0 || this.#toldEpoch !== this.#targetEpoch;
    this.#toldEpoch = this.#targetEpoch;
    const topicPartitions = Object.entries(this.#target).map(([topic, partitions]) => ({
      topicId: topicIdOf(topic),
      partitions: [...partitions],
    }));
    const assignment = isNews ? { topicPartitions } : null;
    return { ...base, memberEpoch: this.#targetEpoch, assignment };
  }

  #nameOf(topicId: string): string {
    return [...this.cluster.topics.keys()].find((topic) => topicIdOf(topic) === topicId)!;
  }
}

import { ZERO_UUID } from "@ottla/protocol";
import { seededRandom, silentLogger } from "@ottla/runtime";
import { defaultGroupConfig, type GroupConfig } from "../group-config.ts";
import type {
  ConsumerHeartbeatAnswer,
  DescribedConsumerGroup,
  GroupRequest,
  JoinGroupAnswer,
  LeavingMember,
  SyncGroupAnswer,
  TxnOffsetCommitAnswer,
} from "../group-requests.ts";
import { decodeGroupRecord, encodeGroupRecord } from "../records/group-record.ts";
import type { EncodedRecord } from "../shard/coordinator-shard.ts";
import { deliver, type Reply, type Ticket } from "../shard/ticket.ts";
import { GroupCoordinatorShard, type GroupStepResult } from "../shard.ts";
import type { CatalogTopic, TopicCatalog } from "../topic-catalog.ts";

/** Remembers its answer, and fails the test when there is a second one. */
export class TestTicket<Response> implements Ticket<Response> {
  private answers: Response[] = [];
  private listener: (response: Response) => void = () => {};

  complete(response: Response): void {
    if (this.answers.length > 0) throw new Error(`answered twice: ${JSON.stringify([...this.answers, response])}`);
    this.answers.push(response);
    this.listener(response);
  }

  /** Calls `listener` with the answer, now or later. */
  onAnswer(listener: (response: Response) => void): void {
    if (this.isAnswered) listener(this.answer);
    else this.listener = listener;
  }

  get isAnswered(): boolean {
    return this.answers.length > 0;
  }

  /** The answer; the test fails when there is none. */
  get answer(): Response {
    if (this.answers.length === 0) throw new Error("not answered yet");
    return this.answers[0]!;
  }
}

export const WALL_START_MS = 1_700_000_000_000;

/** What the log holds: a coordinator's record, perhaps in a transaction, or the end of one. */
export type LogEntry =
  | (EncodedRecord & { readonly producerId?: number })
  | { readonly producerId: number; readonly outcome: "commit" | "abort" };

export interface JoinOptions {
  readonly groupId?: string;
  readonly memberId?: string;
  readonly instanceId?: string | null;
  readonly protocols?: readonly (readonly [name: string, metadata: string])[];
  readonly protocolType?: string;
  readonly version?: number;
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
  readonly clientId?: string;
  readonly reason?: string | null;
}

export interface ConsumerHeartbeatOptions {
  readonly memberId: string;
  readonly epoch: number;
  readonly groupId?: string;
  readonly instanceId?: string | null;
  readonly rackId?: string | null;
  readonly rebalanceTimeoutMs?: number;
  readonly topics?: readonly string[] | null;
  readonly regex?: string | null;
  readonly assignor?: string | null;
  /** As `topic-partition`. */
  readonly owned?: readonly string[];
  readonly version?: number;
}

export const DEFAULT_SESSION_MS = 10_000;
export const DEFAULT_REBALANCE_MS = 60_000;

const encoder = new TextEncoder();
export const bytesOf = (text: string): Uint8Array => encoder.encode(text);
export const textOf = (bytes: Uint8Array | readonly Uint8Array[]): string =>
  new TextDecoder().decode(bytes as Uint8Array);

/**
 * A shard with everything that surrounds it: a log, which holds encoded records, and time, which stands still until
 * the test moves it. Records are committed at once, unless `holdsCommits` says otherwise.
 */
export class ShardHarness {
  readonly config: GroupConfig;
  /** The topics that there are; the test may change them, with another version. */
  readonly topics: SimulatedTopics;
  shard: GroupCoordinatorShard;
  /** Committed records. */
  readonly log: LogEntry[] = [];
  /** While true, records stay uncommitted until `commitAll` or `failAll`. */
  holdsCommits = false;
  monotonicMs = 0;
  private writes: { readonly writeId: number; readonly records: readonly LogEntry[] }[] = [];
  private loads = 0;
  private readonly seed: number;

  constructor(config: Partial<GroupConfig> = {}, seed = 1) {
    this.config = {
      ...defaultGroupConfig,
      groupInitialRebalanceDelayMs: 0,
      groupConsumerAssignmentIntervalMs: () => 0,
      ...config,
    };
    this.seed = seed;
    this.topics = new SimulatedTopics();
    this.shard = this.load();
  }

  get now() {
    return { wallMs: WALL_START_MS + this.monotonicMs, monotonicMs: this.monotonicMs };
  }

  get uncommittedRecords(): number {
    return this.writes.reduce((count, { records }) => count + records.length, 0);
  }

  private load(): GroupCoordinatorShard {
    const random = seededRandom(this.seed + 7919 * this.loads++);
    const shard = new GroupCoordinatorShard({ config: this.config, random, logger: silentLogger, topics: this.topics });
    for (const entry of this.log) replayEntry(shard, entry);
    this.shard = shard;
    this.take(shard.finishLoading(this.now));
    return shard;
  }

  /** The coordinator is killed: what is not committed is gone, and another one loads the log. */
  crashAndReload(): void {
    this.writes = [];
    this.load();
  }

  /** The coordinator resigns in good order, and another one loads the log. */
  unloadAndReload(): void {
    const replies = this.shard.unload(this.now);
    this.writes = [];
    this.deliverAll(replies);
    this.load();
  }

  /** Another shard that has read the same log. */
  replica(): GroupCoordinatorShard {
    const current = this.shard;
    const writes = this.writes;
    this.writes = [];
    const replica = this.load();
    this.shard = current;
    this.writes = writes;
    return replica;
  }

  handle(request: GroupRequest): void {
    this.take(this.shard.handle(request, this.now));
    if (!this.holdsCommits) this.commitAll();
  }

  /** Commits the oldest uncommitted write. */
  commitOne(): void {
    const write = this.writes.shift();
    if (write === undefined) return;
    this.log.push(...write.records);
    this.take(this.shard.committed(write.writeId, this.now));
  }

  commitAll(): void {
    while (this.writes.length > 0) this.commitOne();
  }

  /** The log refuses every uncommitted write. */
  failAll(appendError: number): void {
    const [first] = this.writes;
    this.writes = [];
    if (first !== undefined) this.take(this.shard.appendFailed(first.writeId, appendError, this.now));
    if (!this.holdsCommits) this.commitAll();
  }

  /** Lets time pass, stopping at every deadline on the way. */
  advance(durationMs: number): void {
    const endMs = this.monotonicMs + durationMs;
    while (this.shard.nextDeadlineMs <= endMs) {
      this.monotonicMs = Math.max(this.monotonicMs, this.shard.nextDeadlineMs);
      this.take(this.shard.tick(this.now));
      if (!this.holdsCommits) this.commitAll();
    }
    this.monotonicMs = endMs;
  }

  private take({ records, writeId, replies }: GroupStepResult): void {
    if (writeId !== null) this.writes.push({ writeId, records: records.map(encodeGroupRecord) });
    this.deliverAll(replies);
  }

  private deliverAll(replies: readonly Reply[]): void {
    for (const reply of replies) deliver(reply);
  }

  private ask<Response>(request: (ticket: TestTicket<Response>) => GroupRequest): TestTicket<Response> {
    const ticket = new TestTicket<Response>();
    this.handle(request(ticket));
    return ticket;
  }

  join(options: JoinOptions = {}): TestTicket<JoinGroupAnswer> {
    const { version = 9, sessionTimeoutMs = DEFAULT_SESSION_MS, clientId = "client" } = options;
    const protocols = options.protocols ?? [["range", "topics"]];
    return this.ask((ticket) => ({
      type: "joinGroup",
      client: { apiVersion: version, clientId, clientHost: "/127.0.0.1" },
      ticket,
      request: {
        groupId: options.groupId ?? "group",
        sessionTimeoutMs,
        rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? DEFAULT_REBALANCE_MS,
        memberId: options.memberId ?? "",
        groupInstanceId: options.instanceId ?? null,
        protocolType: options.protocolType ?? "consumer",
        protocols: protocols.map(([name, metadata]) => ({ name, metadata: bytesOf(metadata) })),
        reason: options.reason ?? null,
      },
    }));
  }

  /** A heartbeat of the consumer protocol; what is not said is null. */
  consumerHeartbeat(request: ConsumerHeartbeatOptions): TestTicket<ConsumerHeartbeatAnswer> {
    return this.ask((ticket) => ({
      type: "consumerHeartbeat",
      client: { apiVersion: request.version ?? 1, clientId: "client", clientHost: "/127.0.0.1" },
      ticket,
      request: {
        groupId: request.groupId ?? "group",
        memberId: request.memberId,
        memberEpoch: request.epoch,
        instanceId: request.instanceId ?? null,
        rackId: request.rackId ?? null,
        rebalanceTimeoutMs: request.rebalanceTimeoutMs ?? -1,
        subscribedTopicNames: request.topics ?? null,
        subscribedTopicRegex: request.regex ?? null,
        serverAssignor: request.assignor ?? null,
        topicPartitions: request.owned === undefined ? null : toTopicPartitions(request.owned),
      },
    }));
  }

  /** Joins a group of the consumer protocol. */
  consumerJoin(memberId: string, options: Partial<ConsumerHeartbeatOptions> = {}): ConsumerHeartbeatAnswer {
    const subscription = options.regex === undefined ? { topics: ["t"] } : {};
    const join = { memberId, epoch: 0, rebalanceTimeoutMs: DEFAULT_REBALANCE_MS, owned: [], ...subscription };
    return this.consumerHeartbeat({ ...join, ...options }).answer;
  }

  describeConsumer(groupId = "group"): DescribedConsumerGroup {
    return this.ask<readonly DescribedConsumerGroup[]>((ticket) => ({
      type: "describeConsumerGroups",
      groupIds: [groupId],
      ticket,
    })).answer[0]!;
  }

  /** Joins as a dynamic member does from v4 on: gets its id first. The ticket is that of the second request. */
  joinTwice(options: JoinOptions = {}): { readonly memberId: string; readonly ticket: TestTicket<JoinGroupAnswer> } {
    const { memberId } = this.join(options).answer;
    return { memberId, ticket: this.join({ ...options, memberId }) };
  }

  sync(
    memberId: string,
    generationId: number,
    assignments: Readonly<Record<string, string>> = {},
    options: {
      readonly groupId?: string;
      readonly instanceId?: string;
      readonly protocolType?: string;
      readonly protocolName?: string;
    } = {},
  ): TestTicket<SyncGroupAnswer> {
    return this.ask((ticket) => ({
      type: "syncGroup",
      ticket,
      request: {
        groupId: options.groupId ?? "group",
        generationId,
        memberId,
        groupInstanceId: options.instanceId ?? null,
        protocolType: options.protocolType ?? null,
        protocolName: options.protocolName ?? null,
        assignments: Object.entries(assignments).map(([id, assignment]) => ({
          memberId: id,
          assignment: bytesOf(assignment),
        })),
      },
    }));
  }

  /** @returns the error code */
  heartbeat(memberId: string, generationId: number, groupId = "group", instanceId: string | null = null): number {
    return this.ask<{ errorCode: number }>((ticket) => ({
      type: "heartbeat",
      ticket,
      request: { groupId, generationId, memberId, groupInstanceId: instanceId },
    })).answer.errorCode;
  }

  leave(members: readonly (string | Partial<LeavingMember>)[], groupId = "group") {
    return this.ask<{ errorCode: number; members?: readonly { readonly errorCode: number }[] | undefined }>(
      (ticket) => ({
        type: "leaveGroup",
        groupId,
        members: members.map((member) => ({
          memberId: "",
          groupInstanceId: null,
          reason: null,
          ...(typeof member === "string" ? { memberId: member } : member),
        })),
        ticket,
      }),
    );
  }

  commit(
    offsets: Readonly<Record<string, number>>,
    options: {
      readonly groupId?: string;
      readonly memberId?: string;
      readonly generationId?: number;
      readonly instanceId?: string;
      readonly metadata?: string | null;
      readonly retentionMs?: number;
      readonly topicId?: string;
      readonly version?: number;
    } = {},
  ) {
    return this.ask<{
      topics: readonly { partitions: readonly { partitionIndex: number; errorCode: number }[] }[];
    }>((ticket) => ({
      type: "offsetCommit",
      apiVersion: options.version ?? 9,
      ticket,
      request: {
        groupId: options.groupId ?? "group",
        generationIdOrMemberEpoch: options.generationId ?? -1,
        memberId: options.memberId ?? "",
        groupInstanceId: options.instanceId ?? null,
        retentionTimeMs: options.retentionMs ?? -1,
        topics: Object.entries(offsets).map(([topicPartition, committedOffset]) => {
          const [name, partition] = splitPartition(topicPartition);
          return {
            name,
            topicId: options.topicId ?? ZERO_UUID,
            partitions: [
              {
                partitionIndex: partition,
                committedOffset,
                committedLeaderEpoch: 3,
                committedMetadata: options.metadata === undefined ? "meta" : options.metadata,
              },
            ],
          };
        }),
      },
    }));
  }

  /** @returns the error code of the first partition */
  commitError(...parameters: Parameters<ShardHarness["commit"]>): number {
    return this.commit(...parameters).answer.topics[0]!.partitions[0]!.errorCode;
  }

  /** The error code of a commit of `topic-partition` in a transaction of producer 9. */
  txnCommitError(
    topicPartition: string,
    committedOffset: number,
    { memberId = "", generationId = -1 }: { readonly memberId?: string; readonly generationId?: number } = {},
  ): number {
    const [name, partitionIndex] = splitPartition(topicPartition);
    const partition = { partitionIndex, committedOffset, committedLeaderEpoch: -1, committedMetadata: null };
    const producer = { transactionalId: "tx", producerId: 9, producerEpoch: 0 };
    const member = { groupId: "group", memberId, generationId, groupInstanceId: null };
    const { answer } = this.ask<TxnOffsetCommitAnswer>((ticket) => ({
      type: "txnOffsetCommit",
      ticket,
      topicIds: new Map(),
      request: { ...producer, ...member, topics: [{ name, partitions: [partition] }] },
    }));
    return answer.topics![0]!.partitions![0]!.errorCode!;
  }

  fetchTicket(
    partitions: readonly string[] | null,
    options: { readonly groupId?: string; readonly requireStable?: boolean; readonly topicId?: string } = {},
  ) {
    return this.ask<FetchedGroup>((ticket) => ({
      type: "offsetFetch",
      requireStable: options.requireStable ?? false,
      ticket,
      request: {
        groupId: options.groupId ?? "group",
        memberId: null,
        memberEpoch: -1,
        topics:
          partitions?.map((topicPartition) => {
            const [name, partition] = splitPartition(topicPartition);
            return { name, topicId: options.topicId ?? ZERO_UUID, partitionIndexes: [partition] };
          }) ?? null,
      },
    }));
  }

  /** Committed offsets by `topic-partition`, those that there are. */
  fetch(partitions: readonly string[] | null = null, groupId = "group"): Record<string, number> {
    return offsetsOf(this.fetchTicket(partitions, { groupId }).answer);
  }

  describe(groupIds: readonly string[] = ["group"], apiVersion = 6) {
    return this.ask<
      readonly {
        readonly errorCode: number;
        readonly errorMessage?: string | null | undefined;
        readonly groupState: string;
        readonly protocolType: string;
        readonly protocolData: string;
        readonly members: readonly {
          readonly memberId: string;
          readonly groupInstanceId?: string | null | undefined;
          readonly memberAssignment: Uint8Array | readonly Uint8Array[];
          readonly memberMetadata: Uint8Array | readonly Uint8Array[];
        }[];
      }[]
    >((ticket) => ({ type: "describeGroups", groupIds, apiVersion, ticket })).answer;
  }

  state(groupId = "group"): string {
    return this.describe([groupId])[0]!.groupState;
  }

  list(statesFilter: readonly string[] = [], typesFilter: readonly string[] = []) {
    return this.ask<readonly { groupId: string; protocolType: string; groupState?: string; groupType?: string }[]>(
      (ticket) => ({ type: "listGroups", request: { statesFilter, typesFilter }, ticket }) as GroupRequest,
    ).answer;
  }

  deleteGroups(groupIds: readonly string[]) {
    return this.ask<readonly { readonly groupId: string; readonly errorCode: number }[]>((ticket) => ({
      type: "deleteGroups",
      groupIds,
      ticket,
    }));
  }

  deleteOffsets(partitions: readonly string[], groupId = "group") {
    return this.ask<{
      errorCode: number;
      topics: readonly { partitions: readonly { errorCode: number }[] }[];
    }>((ticket) => ({
      type: "offsetDelete",
      ticket,
      request: {
        groupId,
        topics: partitions.map((topicPartition) => {
          const [name, partitionIndex] = splitPartition(topicPartition);
          return { name, partitions: [{ partitionIndex }] };
        }),
      },
    }));
  }

  clientGone(ticket: Ticket<never>, groupId = "group"): void {
    this.handle({ type: "clientGone", groupId, ticket });
  }

  /**
   * A stable group of dynamic members, the first of which leads; each is assigned its own index.
   * @returns the members' ids
   */
  stableGroup(
    size: number,
    options: JoinOptions = {},
  ): { readonly memberIds: string[]; readonly generationId: number } {
    const pending = Array.from({ length: size }, () => this.join(options).answer.memberId);
    const joins = pending.map((memberId) => this.join({ ...options, memberId }));
    this.advance(this.config.groupInitialRebalanceDelayMs);
    const leader = joins[0]!.answer;
    const assignments = Object.fromEntries(pending.map((memberId, index) => [memberId, `assignment ${index}`]));
    const { groupId } = options;
    const named = groupId === undefined ? {} : { groupId };
    for (const { answer } of joins) {
      this.sync(answer.memberId, leader.generationId!, answer.memberId === leader.leader ? assignments : {}, named);
    }
    return { memberIds: pending, generationId: leader.generationId! };
  }
}

/** Topics by name, with as many partitions; the id of a topic is its name, padded. */
export class SimulatedTopics implements TopicCatalog {
  version = 1;
  private readonly counts = new Map([["t", 4]]);

  set(name: string, partitionCount: number): void {
    this.counts.set(name, partitionCount);
    this.version++;
  }

  delete(name: string): void {
    this.counts.delete(name);
    this.version++;
  }

  byName(name: string): CatalogTopic | undefined {
    const partitionCount = this.counts.get(name);
    return partitionCount === undefined ? undefined : { name, topicId: topicIdOf(name), partitionCount };
  }

  byId(topicId: string): CatalogTopic | undefined {
    return this.byName(topicId.replace(/_+A$/, ""));
  }

  names(): Iterable<string> {
    return this.counts.keys();
  }
}

/** A valid id: 22 characters of the URL alphabet, the last of which has only two bits. */
export function topicIdOf(name: string): string {
  return `${name.padEnd(21, "_")}A`;
}

function toTopicPartitions(partitions: readonly string[]) {
  return partitions.map((topicPartition) => {
    const [name, partition] = splitPartition(topicPartition);
    return { topicId: topicIdOf(name), partitions: [partition] };
  });
}

/** The assignment as `topic-partition`, in order; undefined where the answer has none. */
export function assignmentIn(answer: ConsumerHeartbeatAnswer): string[] | undefined {
  return answer.assignment?.topicPartitions
    .flatMap(({ topicId, partitions }) => partitions.map((p) => `${topicId.replace(/_+A$/, "")}-${p}`))
    .sort();
}

function replayEntry(shard: GroupCoordinatorShard, entry: LogEntry): void {
  if ("outcome" in entry) {
    shard.replayEndTransaction(entry.producerId, entry.outcome);
    return;
  }
  const record = decodeGroupRecord(entry.key, entry.value);
  if (record.type === "unknown") throw new Error(record.reason);
  shard.replay(record, entry.producerId);
}

interface FetchedGroup {
  readonly errorCode?: number | undefined;
  readonly topics: readonly {
    readonly name?: string | undefined;
    readonly partitions: readonly {
      readonly partitionIndex: number;
      readonly committedOffset: number;
      readonly committedLeaderEpoch?: number | undefined;
      readonly metadata: string | null;
      readonly errorCode: number;
    }[];
  }[];
}

export function offsetsOf(group: FetchedGroup): Record<string, number> {
  const offsets: Record<string, number> = {};
  for (const { name, partitions } of group.topics) {
    for (const { partitionIndex, committedOffset } of partitions) {
      if (committedOffset !== -1) offsets[`${name}-${partitionIndex}`] = committedOffset;
    }
  }
  return offsets;
}

function splitPartition(topicPartition: string): [topic: string, partition: number] {
  const dash = topicPartition.lastIndexOf("-");
  return [topicPartition.slice(0, dash), Number(topicPartition.slice(dash + 1))];
}

import {
  consumerGroupHeartbeatApi,
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  ErrorCode,
  encodeConsumerProtocol,
  errorByCode,
  findCoordinatorApi,
  joinGroupApi,
  KafkaError,
  offsetCommitApi,
  syncGroupApi,
} from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { BrokerConnection, createDefaultConnector } from "@ottla/transport";

const SESSION_TIMEOUT_MS = 1_800_000;
const REBALANCE_TIMEOUT_MS = 300_000;
const PROTOCOL_VERSION = 1;
const ATTEMPTS_MAX = 1_200;
const PAUSE_MS = 50;

const runtime = createSystemRuntime();
const connector = createDefaultConnector(runtime);

export function connectTo(port: number): Promise<BrokerConnection> {
  const address = { host: "127.0.0.1", port };
  const requestTimeoutMs = REBALANCE_TIMEOUT_MS;
  return BrokerConnection.open({ address, connector, runtime, clientId: "bench", requestTimeoutMs });
}

/** Asks for a coordinator, which brings the topic of the groups into being, and waits until it is there. */
export async function awaitCoordinator(connection: BrokerConnection): Promise<void> {
  const request = { keyType: 0, coordinatorKeys: ["bench"] };
  for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
    const { coordinators } = await connection.request(findCoordinatorApi, request, { version: 4 });
    if (coordinators[0]!.errorCode === ErrorCode.NONE) return;
    await pause();
  }
  throw new Error("there is no group coordinator");
}

/** A member of a group of the classic protocol that does the least a client can: what takes time is the coordinator. */
export class ClassicMember {
  readonly #connection: BrokerConnection;
  readonly #groupId: string;
  readonly #topic: string;
  #memberId = "";
  generation = -1;

  constructor(connection: BrokerConnection, groupId: string, topic: string) {
    this.#connection = connection;
    this.#groupId = groupId;
    this.#topic = topic;
  }

  /** Joins, again and again until the group comes to rest; the leader gives each member one partition. */
  async join(round: number): Promise<void> {
    await repeatedly(() => this.#tryJoin(round));
  }

  async commit(): Promise<void> {
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: "" }];
    await this.#connection.request(
      offsetCommitApi,
      {
        groupId: this.#groupId,
        generationIdOrMemberEpoch: this.generation,
        memberId: this.#memberId,
        topics: [{ name: this.#topic, partitions }],
      },
      { version: 8 },
    );
  }

  async #tryJoin(round: number): Promise<boolean> {
    const joined = await this.#connection.request(joinGroupApi, this.#joinRequest(round), { version: 9 });
    this.#memberId = joined.memberId;
    if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED || isPassing(joined.errorCode)) return false;
    check(joined.errorCode);
    this.generation = joined.generationId;
    const isLeader = joined.leader === joined.memberId;
    const assignments = isLeader
      ? joined.members.map(({ memberId }, index) => this.#assignmentOf(memberId, index))
      : [];
    const { errorCode } = await this.#connection.request(
      syncGroupApi,
      {
        groupId: this.#groupId,
        generationId: joined.generationId,
        memberId: joined.memberId,
        protocolType: "consumer",
        protocolName: "range",
        assignments,
      },
      { version: 5 },
    );
    if (isPassing(errorCode)) return false;
    check(errorCode);
    return true;
  }

  /** Another round is another subscription: the group has to rebalance. */
  #joinRequest(round: number) {
    const userData = new Uint8Array(new Uint32Array([round]).buffer);
    const subscription = { topics: [this.#topic], userData, ownedPartitions: [], generationId: -1, rackId: null };
    const metadata = encodeConsumerProtocol(consumerProtocolSubscription, subscription, PROTOCOL_VERSION);
    return {
      groupId: this.#groupId,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      memberId: this.#memberId,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata }],
    };
  }

  #assignmentOf(memberId: string, partition: number) {
    const assignment = { assignedPartitions: [{ topic: this.#topic, partitions: [partition] }], userData: null };
    return { memberId, assignment: encodeConsumerProtocol(consumerProtocolAssignment, assignment, PROTOCOL_VERSION) };
  }
}

type Assignment = readonly { readonly topicId: string; readonly partitions: readonly number[] }[];

/** The same of the consumer protocol: it takes over and gives up what the coordinator says, at once. */
export class ConsumerMember {
  readonly #connection: BrokerConnection;
  readonly #groupId: string;
  readonly #topic: string;
  readonly #memberId: string;
  #epoch = 0;
  #owned: Assignment = [];

  constructor(connection: BrokerConnection, groupId: string, topic: string, memberId: string) {
    this.#connection = connection;
    this.#groupId = groupId;
    this.#topic = topic;
    this.#memberId = memberId;
  }

  get partitions(): number {
    return this.#owned.reduce((count, { partitions }) => count + partitions.length, 0);
  }

  async join(): Promise<void> {
    await repeatedly(() => this.#beat({ subscribedTopicNames: [this.#topic], topicPartitions: [] }));
  }

  /** One heartbeat, and another one where there is something to acknowledge. */
  async heartbeat(): Promise<void> {
    const before = this.#owned;
    await this.#beat({
      topicPartitions: this.#owned.map((topic) => ({ ...topic, partitions: [...topic.partitions] })),
    });
    if (this.#owned !== before) await this.heartbeat();
  }

  async leave(): Promise<void> {
    this.#epoch = -1;
    await this.#beat({});
  }

  /** @returns false if the coordinator is not there yet */
  async #beat(news: {
    readonly subscribedTopicNames?: string[];
    readonly topicPartitions?: { readonly topicId: string; readonly partitions: number[] }[];
  }): Promise<boolean> {
    const answer = await this.#connection.request(
      consumerGroupHeartbeatApi,
      {
        groupId: this.#groupId,
        memberId: this.#memberId,
        memberEpoch: this.#epoch,
        rebalanceTimeoutMs: this.#epoch === 0 ? REBALANCE_TIMEOUT_MS : -1,
        ...news,
      },
      { version: 1 },
    );
    if (isPassing(answer.errorCode)) return false;
    check(answer.errorCode);
    this.#epoch = answer.memberEpoch;
    if (answer.assignment !== null) this.#owned = answer.assignment.topicPartitions;
    return true;
  }
}

async function repeatedly(attempt: () => Promise<boolean>): Promise<void> {
  for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
    if (await attempt()) return;
    if (attempts > 1) await pause();
  }
  throw new Error("the group does not come to rest");
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

/** What goes by: the coordinator is loading, or the group rebalances once more. */
function isPassing(errorCode: number): boolean {
  return errorCode === ErrorCode.REBALANCE_IN_PROGRESS || errorByCode(errorCode).retriable;
}

function check(errorCode: number): void {
  if (errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(errorCode, "The coordinator refuses");
}

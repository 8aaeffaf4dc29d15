import type { DirectoryAssignment, NewTopic, ProducerIdBlock } from "@ottla/metadata";
import {
  type AlterPartitionResponse,
  type ApiDefinition,
  allocateProducerIdsApi,
  alterPartitionApi,
  apiVersionsApi,
  assignReplicasToDirsApi,
  brokerHeartbeatApi,
  brokerRegistrationApi,
  concatBytes,
  createTopicsApi,
  decodeResponse,
  ErrorCode,
  encodeRequest,
  envelopeApi,
  KafkaError,
  type RequestInput,
  type ResponseOf,
} from "@ottla/protocol";
import type { Runtime } from "@ottla/runtime";
import { type BrokerConnection, type ReconnectingConnection, SIZE_PREFIX_BYTES } from "@ottla/transport";
import type { HandlerRegistry } from "../dispatch/handler-registry.ts";
import type { ControllerGateway } from "../services/broker-services.ts";
import { groupBy } from "../services/group-by.ts";
import type { BrokerLinks } from "./broker-links.ts";
import type { AlteredPartition, ControllerClient, PartitionAlteration, TopicCreation } from "./controller-client.ts";
import { handleInternally, internalContext } from "./internal-request.ts";

/** Who asks: this broker in its present life. */
export interface BrokerIdentity {
  readonly brokerId: number;
  /** -1 before the first registration. */
  readonly brokerEpoch: number;
}

export interface ControllerChannelOptions {
  readonly gateway: ControllerGateway;
  readonly links: BrokerLinks;
  readonly registry: () => HandlerRegistry;
  readonly identity: () => BrokerIdentity;
  /** Has this broker see what the controller has just done. */
  readonly catchUp: () => Promise<void>;
  readonly requestTimeoutMs: () => number;
  readonly runtime: Runtime;
}

/** Requests to the controller have a connection of their own. */
const PURPOSE = "controller";

const CREATE_TOPICS_VERSION = 7;

/** Keys of all that comes over such a connection. */
export const CONTROLLER_CHANNEL_API_KEYS: readonly number[] = [
  apiVersionsApi,
  brokerRegistrationApi,
  brokerHeartbeatApi,
  alterPartitionApi,
  allocateProducerIdsApi,
  assignReplicasToDirsApi,
  envelopeApi,
].map(({ key }) => key);

/** The way to the active controller: in this process, or over a connection to the broker that has the office. */
export class ControllerChannel implements ControllerClient {
  readonly #options: ControllerChannelOptions;

  constructor(options: ControllerChannelOptions) {
    this.#options = options;
  }

  get controllerId(): number {
    return this.#options.gateway.controllerId;
  }

  /**
   * Sends one request to the controller, in this version: brokers do not tell each other's APIs to clients. Where it does not
   * come to the controller, it is looked up anew.
   * @throws KafkaError NOT_CONTROLLER where nobody is known to be; what the connection throws; the response's own error
   */
  async request<Api extends ApiDefinition>(
    api: Api,
    version: number,
    body: RequestInput<Api>,
    timeoutMs = this.#options.requestTimeoutMs(),
  ): Promise<ResponseOf<Api>> {
    const { gateway, registry, runtime } = this.#options;
    if (gateway.isActive) {
      const handler = registry().get(api.key);
      if (handler === undefined) throw new Error(`${api.name} is not served`);
      return await handleInternally(handler, api, body, internalContext(version, runtime.clock.monotonicMs()));
    }
    try {
      const response = await this.requestTo(gateway.controllerId, api, version, body, timeoutMs);
      if (isFromAnotherThanTheController(response)) gateway.refresh();
      return response;
    } catch (error) {
      gateway.refresh();
      throw error;
    }
  }

  /**
   * Sends the request to a broker of which it is not known whether it is the controller. One that does not answer a new
   * connection, as it is about to start or stands still, takes no longer than one that does not answer the request.
   */
  async requestTo<Api extends ApiDefinition>(
    brokerId: number,
    api: Api,
    version: number,
    body: RequestInput<Api>,
    timeoutMs: number,
  ): Promise<ResponseOf<Api>> {
    const link = this.#options.links.to(brokerId, PURPOSE);
    if (link === null) {
      throw KafkaError.fromCode(ErrorCode.NOT_CONTROLLER, "No controller is known that could be reached");
    }
    const connection = await this.#connect(link, brokerId, timeoutMs);
    return await connection.request(api as never, body as never, { version, timeoutMs });
  }

  async #connect(link: ReconnectingConnection, brokerId: number, timeoutMs: number): Promise<BrokerConnection> {
    const gaveUp = new AbortController();
    const timer = this.#options.runtime.timers.schedule(timeoutMs, () => gaveUp.abort(), { keepAlive: true });
    try {
      return await link.connect(gaveUp.signal);
    } catch (error) {
      if (!gaveUp.signal.aborted) throw error;
      throw KafkaError.fromCode(
        ErrorCode.REQUEST_TIMED_OUT,
        `No connection to broker ${brokerId} within ${timeoutMs} ms`,
      );
    } finally {
      timer.cancel();
    }
  }

  async alterPartition(alterations: readonly PartitionAlteration[]): Promise<readonly AlteredPartition[]> {
    const topics = groupedByTopic(alterations);
    const response = await this.request(alterPartitionApi, 3, { ...this.#options.identity(), topics });
    check(response.errorCode);
    const altered = alteredByPartition(response);
    return alterations.map(({ topicId, partition }) => altered.get(partitionKey(topicId, partition)) ?? NOT_ANSWERED);
  }

  async allocateProducerIds(): Promise<ProducerIdBlock> {
    const response = await this.request(allocateProducerIdsApi, 0, this.#options.identity());
    check(response.errorCode);
    return { firstProducerId: response.producerIdStart, size: response.producerIdLen };
  }

  async assignReplicasToDirs(assignments: readonly DirectoryAssignment[]): Promise<void> {
    const directories = [...groupBy(assignments, ({ directoryId }) => directoryId)].map(([id, inDirectory]) => ({
      id,
      topics: [...groupBy(inDirectory, ({ topicId }) => topicId)].map(([topicId, ofTopic]) => ({
        topicId,
        partitions: ofTopic.map(({ partition }) => ({ partitionIndex: partition })),
      })),
    }));
    const response = await this.request(assignReplicasToDirsApi, 0, { ...this.#options.identity(), directories });
    check(response.errorCode);
  }

  /**
   * Sends on a client's request in an Envelope (KIP-590): the controller answers it as if it had come to it, and counts it for
   * that client.
   */
  async forward<Api extends ApiDefinition>(
    api: Api,
    version: number,
    body: RequestInput<Api>,
    clientId: string,
  ): Promise<ResponseOf<Api>> {
    const frame = concatBytes(encodeRequest(api, version, { correlationId: 0, clientId }, body as never));
    const { errorCode, responseData } = await this.request(envelopeApi, 0, {
      requestData: frame.subarray(SIZE_PREFIX_BYTES),
      requestPrincipal: null,
      clientHostAddress: new Uint8Array(4),
    });
    if (errorCode !== ErrorCode.NONE || responseData === null) throw KafkaError.fromCode(errorCode);
    return decodeResponse(api, version, responseData) as ResponseOf<Api>;
  }

  async createTopics(topics: readonly NewTopic[], clientId: string | null): Promise<readonly TopicCreation[]> {
    const { gateway, registry, runtime, identity, requestTimeoutMs } = this.#options;
    const body = { topics, timeoutMs: requestTimeoutMs(), validateOnly: false };
    const asker = clientId ?? `broker-${identity().brokerId}-${PURPOSE}`;
    const response = gateway.isActive
      ? await handleInternally(
          registry().get(createTopicsApi.key)!,
          createTopicsApi,
          body,
          internalContext(CREATE_TOPICS_VERSION, runtime.clock.monotonicMs(), asker),
        )
      : await this.forward(createTopicsApi, CREATE_TOPICS_VERSION, body, asker);
    await this.#options.catchUp();
    return response.topics.map(({ name, errorCode, errorMessage }) => ({
      name,
      errno: errorCode,
      message: errorMessage,
    }));
  }
}

function check(errorCode: number): void {
  if (errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(errorCode);
}

/** Who was asked had the office once, or is not to be asked at all. */
function isFromAnotherThanTheController(response: unknown): boolean {
  return (response as { readonly errorCode?: number }).errorCode === ErrorCode.NOT_CONTROLLER;
}

const NOT_ANSWERED: AlteredPartition = {
  errorCode: ErrorCode.UNKNOWN_SERVER_ERROR,
  leaderId: -1,
  leaderEpoch: -1,
  isr: [],
  leaderRecoveryState: 0,
  partitionEpoch: -1,
};

function partitionKey(topicId: string, partition: number): string {
  return `${topicId}-${partition}`;
}

function groupedByTopic(alterations: readonly PartitionAlteration[]) {
  const topics = new Map<string, PartitionAlteration[]>();
  for (const alteration of alterations) {
    const others = topics.get(alteration.topicId);
    if (others === undefined) topics.set(alteration.topicId, [alteration]);
    else others.push(alteration);
  }
  return [...topics].map(([topicId, partitions]) => ({
    topicId,
    partitions: partitions.map(({ partition, leaderEpoch, partitionEpoch, newIsr, leaderRecoveryState }) => ({
      partitionIndex: partition,
      leaderEpoch,
      newIsrWithEpochs: newIsr,
      leaderRecoveryState,
      partitionEpoch,
    })),
  }));
}

function alteredByPartition({ topics }: AlterPartitionResponse): Map<string, AlteredPartition> {
  return new Map(
    topics.flatMap(({ topicId, partitions }) =>
      partitions.map((partition) => [partitionKey(topicId, partition.partitionIndex), partition] as const),
    ),
  );
}

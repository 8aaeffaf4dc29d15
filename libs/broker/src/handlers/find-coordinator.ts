import { partitionForGroup } from "@ottla/coordinator/internal";
import { brokerById, isReplicaOnline, NO_LEADER } from "@ottla/metadata";
import {
  ErrorCode,
  type FindCoordinatorRequest,
  findCoordinatorApi,
  KafkaError,
  type ResponseInput,
} from "@ottla/protocol";
import { apiHandler, type RequestContext } from "../api-handler.ts";
import { endpointFields } from "../services/broker-endpoints.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { ensureCoordinatorTopic } from "../services/coordinator-topic.ts";
import { CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC } from "../services/internal-topics.ts";

type FindCoordinatorAnswer = ResponseInput<typeof findCoordinatorApi>;
type Coordinator = NonNullable<FindCoordinatorAnswer["coordinators"]>[number];

const KeyType = { GROUP: 0, TRANSACTION: 1 } as const;

const FIRST_VERSION_WITH_MESSAGE = 1;
const FIRST_VERSION_WITH_URL = 3;
const FIRST_VERSION_WITH_KEYS = 4;

/**
 * FindCoordinator: the leader of the partition that holds the group or the transactional id. The first one to ask has
 * `__consumer_offsets` or `__transaction_state` created.
 */
export const findCoordinatorHandler = (broker: BrokerServices) =>
  apiHandler(
    findCoordinatorApi,
    { minVersion: 0, maxVersion: 6, errorResponse: findFailed },
    async (request, context) => {
      const { apiVersion } = context;
      const keys = apiVersion >= FIRST_VERSION_WITH_KEYS ? request.coordinatorKeys : [request.key];
      const topic = coordinatorTopic(request.keyType);
      const refusal = topic instanceof KafkaError ? topic : await ensureCoordinatorTopic(broker, topic);
      const coordinators = keys.map((key) =>
        topic instanceof KafkaError || refusal !== null
          ? notFound(key, refusal!.errno, refusal!.message)
          : find(broker, topic, key, context),
      );
      return apiVersion >= FIRST_VERSION_WITH_KEYS ? { coordinators } : single(coordinators[0]!, apiVersion);
    },
  );

/** The topic whose partitions the coordinators of a type keep their state in. */
function coordinatorTopic(keyType: number): string | KafkaError {
  if (keyType === KeyType.GROUP) return CONSUMER_OFFSETS_TOPIC;
  if (keyType === KeyType.TRANSACTION) return TRANSACTION_STATE_TOPIC;
  return KafkaError.fromCode(ErrorCode.INVALID_REQUEST, `There are no coordinators of type ${keyType}`);
}

function find(
  broker: BrokerServices,
  topicName: string,
  coordinatedId: string,
  { connection, apiVersion }: RequestContext,
): Coordinator {
  const topic = broker.image.topicsByName.get(topicName);
  const partition = topic?.partitions[partitionForGroup(coordinatedId, topic.partitions.length)];
  const leader = partition && partition.leader !== NO_LEADER ? brokerById(broker.image, partition.leader) : undefined;
  if (leader === undefined || !isReplicaOnline(broker.image, partition!, leader.brokerId)) {
    return notFound(coordinatedId, ErrorCode.COORDINATOR_NOT_AVAILABLE, "The coordinator is not available.");
  }
  const { url, ...address } = endpointFields(broker, leader, connection);
  return {
    key: coordinatedId,
    nodeId: leader.brokerId,
    ...address,
    errorCode: ErrorCode.NONE,
    errorMessage: apiVersion >= FIRST_VERSION_WITH_KEYS ? "" : null, // as Kafka
    ...(apiVersion >= FIRST_VERSION_WITH_URL && { url }),
  };
}

function notFound(key: string, errorCode: number, errorMessage: string): Coordinator {
  return { key, nodeId: -1, host: "", port: -1, errorCode, errorMessage };
}

/** The form for one key. */
function single({ key: _, errorMessage, ...coordinator }: Coordinator, apiVersion: number): FindCoordinatorAnswer {
  return apiVersion >= FIRST_VERSION_WITH_MESSAGE ? { ...coordinator, errorMessage } : coordinator;
}

function findFailed(
  { coordinatorKeys }: FindCoordinatorRequest,
  { errno, message }: { readonly errno: number; readonly message: string },
  version: number,
): FindCoordinatorAnswer {
  if (version >= FIRST_VERSION_WITH_KEYS) {
    return { coordinators: coordinatorKeys.map((key) => notFound(key, errno, message)) };
  }
  return single(notFound("", errno, message), version);
}

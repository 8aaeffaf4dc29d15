import { coordinatorError, type TxnOffsetCommitAnswer, txnOffsetCommitError } from "@ottla/coordinator/internal";
import { ErrorCode, type TxnOffsetCommitRequest, txnOffsetCommitApi } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import { withExistingPartitions, withUnknownPartitions } from "../groups/existing-partitions.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../services/internal-topics.ts";
import { EntryHold } from "../transactions/entry-hold.ts";
import {
  type EntryOptions,
  type TransactionGate,
  transactionEndedMeanwhile,
} from "../transactions/transaction-gate.ts";

const FIRST_VERSION_WITH_ABORTABLE = 4;
const FIRST_VERSION_WITH_IMPLICIT_ENTRY = 5;

/** TxnOffsetCommit: offsets that become a group's when the transaction is committed. */
export const txnOffsetCommitHandler = (broker: BrokerServices, groups: GroupCoordinator, gate: TransactionGate) =>
  apiHandler(
    txnOffsetCommitApi,
    { minVersion: 0, maxVersion: 5, errorResponse: (request, { errno }) => txnOffsetCommitError(request, errno) },
    async (request, { apiVersion }) => {
      const { topicsByName } = broker.image;
      const topics = request.topics
        .map((topic) => withExistingPartitions(topic, topicsByName.get(topic.name)))
        .filter(({ partitions }) => partitions.length > 0);
      const known = { ...request, topics };
      const answer = await commit(broker, groups, gate, known, {
        adds: apiVersion >= FIRST_VERSION_WITH_IMPLICIT_ENTRY,
        knowsAbortable: apiVersion >= FIRST_VERSION_WITH_ABORTABLE,
      });
      return complete(request, answer);
    },
  );

async function commit(
  broker: BrokerServices,
  groups: GroupCoordinator,
  gate: TransactionGate,
  request: TxnOffsetCommitRequest,
  options: EntryOptions,
): Promise<TxnOffsetCommitAnswer> {
  const { groupId, producerId, producerEpoch } = request;
  if (groupId === "") return txnOffsetCommitError(request, ErrorCode.INVALID_GROUP_ID);
  const index = groups.partitionOf(groupId);
  const partition = index === undefined ? undefined : broker.partitions.get(CONSUMER_OFFSETS_TOPIC, index);
  // A replica that follows would have its transaction's coordinator asked for nothing, and take the partition into it.
  if (!partition?.isLeader) return txnOffsetCommitError(request, ErrorCode.NOT_COORDINATOR);
  if (!gate.isClosed(partition, producerId, producerEpoch, options)) return store(broker, groups, request);
  const hold = new EntryHold(partition, producerId, producerEpoch);
  try {
    const [refusal] = await gate.open(request, [hold], options);
    if (refusal != null) return txnOffsetCommitError(request, coordinatorError(refusal.errno));
    if (hold.isEnded) return txnOffsetCommitError(request, transactionEndedMeanwhile(options).errno);
    // What is appended is appended in this call, before anything can end the hold.
    return store(broker, groups, request);
  } finally {
    hold.release();
  }
}

function store(
  { image }: BrokerServices,
  groups: GroupCoordinator,
  request: TxnOffsetCommitRequest,
): Promise<TxnOffsetCommitAnswer> {
  const topicIds = new Map(request.topics.map(({ name }) => [name, image.topicsByName.get(name)!.topicId]));
  return groups.ask<TxnOffsetCommitAnswer>(
    request.groupId,
    (ticket) => ({ type: "txnOffsetCommit", request, topicIds, ticket }),
    (errorCode) => txnOffsetCommitError(request, errorCode),
  );
}

function complete(request: TxnOffsetCommitRequest, answer: TxnOffsetCommitAnswer): TxnOffsetCommitAnswer {
  const answered = new Map(answer.topics.map(({ name, partitions }) => [name, partitions]));
  const topics = request.topics.map((topic) => ({
    name: topic.name,
    partitions: withUnknownPartitions(topic, answered.get(topic.name) ?? []),
  }));
  return { ...answer, topics };
}

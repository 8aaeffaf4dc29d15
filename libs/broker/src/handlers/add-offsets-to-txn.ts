import { TransactionVersion } from "@ottla/coordinator/internal";
import { type AddOffsetsToTxnRequest, addOffsetsToTxnApi, ErrorCode } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { ensureCoordinatorTopic } from "../services/coordinator-topic.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../services/internal-topics.ts";
import { fencedErrno } from "../transactions/fenced-errno.ts";
import type { TransactionCoordinator } from "../transactions/transaction-coordinator.ts";

const FIRST_VERSION_WITH_FENCED = 2;

/** AddOffsetsToTxn: the partition that holds a group's offsets joins the transaction. */
export const addOffsetsToTxnHandler = (
  broker: BrokerServices,
  groups: GroupCoordinator,
  transactions: TransactionCoordinator,
) =>
  apiHandler(addOffsetsToTxnApi, { minVersion: 0, maxVersion: 4 }, async (request, { apiVersion }) => {
    const errorCode = await add(broker, groups, transactions, request);
    return { throttleTimeMs: 0, errorCode: fencedErrno(errorCode, apiVersion, FIRST_VERSION_WITH_FENCED) };
  });

async function add(
  broker: BrokerServices,
  groups: GroupCoordinator,
  transactions: TransactionCoordinator,
  { transactionalId, producerId, producerEpoch, groupId }: AddOffsetsToTxnRequest,
): Promise<number> {
  const refusal = await ensureCoordinatorTopic(broker, CONSUMER_OFFSETS_TOPIC);
  if (refusal !== null) return refusal.errno;
  const partition = groups.partitionOf(groupId);
  if (partition === undefined) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  return await transactions.addPartitions({
    transactionalId,
    producerId,
    producerEpoch,
    partitions: new Map([[CONSUMER_OFFSETS_TOPIC, new Set([partition])]]),
    clientTransactionVersion: TransactionVersion.V0,
  });
}

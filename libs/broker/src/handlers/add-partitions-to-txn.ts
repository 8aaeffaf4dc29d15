import { partitionsOf, TransactionVersion } from "@ottla/coordinator/internal";
import { type AddPartitionsToTxnRequest, addPartitionsToTxnApi, ErrorCode, type ResponseInput } from "@ottla/protocol";
import { apiHandler, type WholeRequestError } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { fencedErrno } from "../transactions/fenced-errno.ts";
import type { TransactionCoordinator } from "../transactions/transaction-coordinator.ts";

type Transaction = AddPartitionsToTxnRequest["transactions"][number];
type Topics = Transaction["topics"];
type Answer = ResponseInput<typeof addPartitionsToTxnApi>;
type TopicResults = NonNullable<Answer["resultsByTopicV3AndBelow"]>;

const FIRST_VERSION_WITH_FENCED = 2;

/** From here on a request is for many transactions, and may only ask whether partitions are in them. */
const FIRST_VERSION_WITH_TRANSACTIONS = 4;

/** AddPartitionsToTxn: partitions join transactions, or are looked for in them. */
export const addPartitionsToTxnHandler = (broker: BrokerServices, transactions: TransactionCoordinator) =>
  apiHandler(
    addPartitionsToTxnApi,
    { minVersion: 0, maxVersion: 5, errorResponse: wholeRequestFailed },
    async (request, { apiVersion }) => {
      const results = transactionsOf(request, apiVersion).map(async (transaction) => ({
        transactionalId: transaction.transactionalId,
        topicResults: await serve(broker, transactions, transaction, apiVersion),
      }));
      return inVersion(await Promise.all(results), apiVersion);
    },
  );

function transactionsOf(request: AddPartitionsToTxnRequest, apiVersion: number): readonly Transaction[] {
  if (apiVersion >= FIRST_VERSION_WITH_TRANSACTIONS) return request.transactions;
  return [
    {
      transactionalId: request.v3AndBelowTransactionalId,
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
      verifyOnly: false,
      topics: request.v3AndBelowTopics,
    },
  ];
}

async function serve(
  broker: BrokerServices,
  transactions: TransactionCoordinator,
  { transactionalId, producerId, producerEpoch, verifyOnly, topics }: Transaction,
  apiVersion: number,
): Promise<TopicResults> {
  const unknown = unknownPartitions(broker, topics);
  if (unknown.size > 0) {
    return resultsOf(topics, (name, partition) =>
      unknown.has(`${name}-${partition}`) ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.OPERATION_NOT_ATTEMPTED,
    );
  }
  const partitions = partitionsOf(topics);
  const request = { transactionalId, producerId, producerEpoch, partitions };
  if (!verifyOnly) {
    const clientTransactionVersion =
      apiVersion >= FIRST_VERSION_WITH_TRANSACTIONS ? TransactionVersion.V2 : TransactionVersion.V0;
    const errorCode = await transactions.addPartitions({ ...request, clientTransactionVersion });
    return resultsOf(topics, () => fencedErrno(errorCode, apiVersion, FIRST_VERSION_WITH_FENCED));
  }
  return resultsOf(topics, await transactions.verifyPartitions(request));
}

function unknownPartitions({ image }: BrokerServices, topics: Topics): ReadonlySet<string> {
  const unknown = new Set<string>();
  for (const { name, partitions } of topics) {
    const topic = image.topicsByName.get(name);
    for (const index of partitions) if (topic?.partitions[index] === undefined) unknown.add(`${name}-${index}`);
  }
  return unknown;
}

function resultsOf(topics: Topics, errorCodeOf: (topic: string, partition: number) => number): TopicResults {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: errorCodeOf(name, partitionIndex),
    })),
  }));
}

function inVersion(
  results: readonly { readonly transactionalId: string; readonly topicResults: TopicResults }[],
  apiVersion: number,
): Answer {
  return apiVersion >= FIRST_VERSION_WITH_TRANSACTIONS
    ? { throttleTimeMs: 0, errorCode: ErrorCode.NONE, resultsByTransaction: results }
    : { throttleTimeMs: 0, resultsByTopicV3AndBelow: results[0]!.topicResults };
}

function wholeRequestFailed(request: AddPartitionsToTxnRequest, { errno }: WholeRequestError, version: number): Answer {
  if (version >= FIRST_VERSION_WITH_TRANSACTIONS) return { throttleTimeMs: 0, errorCode: errno };
  return { throttleTimeMs: 0, resultsByTopicV3AndBelow: resultsOf(request.v3AndBelowTopics, () => errno) };
}

import { partitionForGroup } from "@ottla/coordinator/internal";
import { NO_LEADER } from "@ottla/metadata";
import { type AddPartitionsToTxnResponse, addPartitionsToTxnApi, ErrorCode } from "@ottla/protocol";
import { errnoOf } from "../partition/partition-error.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { TRANSACTION_STATE_TOPIC } from "../services/internal-topics.ts";
import type { AddPartitions, TransactionCoordinator, VerifyPartitions } from "./transaction-coordinator.ts";

/** The first version in which brokers ask about transactions. */
const VERSION_MIN = 4;

/** The error code of each partition of a request. */
type ErrorCodes = (topic: string, partition: number) => number;

type Asked = Pick<VerifyPartitions, "transactionalId" | "producerId" | "producerEpoch" | "partitions">;

const PURPOSE = "transaction-verification";

/** Asks the coordinator of a transactional id what a partition's leader has to know: here, or at another broker. */
export class CoordinatorRoutes {
  readonly #broker: BrokerServices;
  readonly #here: TransactionCoordinator;

  constructor(broker: BrokerServices, here: TransactionCoordinator) {
    this.#broker = broker;
    this.#here = here;
  }

  /** Adds partitions to a transaction, all or none; the error code. Never rejects. */
  async addPartitions(request: AddPartitions): Promise<number> {
    const coordinator = this.#coordinatorOf(request.transactionalId);
    if (coordinator === this.#broker.nodeId) return await this.#here.addPartitions(request);
    const errorCodeOf = await this.#ask(coordinator, request, false);
    const errorCodes = [...request.partitions].flatMap(([topic, indexes]) =>
      [...indexes].map((index) => errorCodeOf(topic, index)),
    );
    // Where one is refused, the others are not attempted, and say so.
    const refused = errorCodes.filter((errorCode) => errorCode !== ErrorCode.NONE);
    return refused.find((errorCode) => errorCode !== ErrorCode.OPERATION_NOT_ATTEMPTED) ?? refused[0] ?? ErrorCode.NONE;
  }

  /** For each of the partitions the error code that says whether it is in the transaction. Never rejects. */
  async verifyPartitions(request: VerifyPartitions): Promise<ErrorCodes> {
    const coordinator = this.#coordinatorOf(request.transactionalId);
    if (coordinator === this.#broker.nodeId) return await this.#here.verifyPartitions(request);
    return await this.#ask(coordinator, request, true);
  }

  #coordinatorOf(transactionalId: string): number {
    const topic = this.#broker.image.topicsByName.get(TRANSACTION_STATE_TOPIC);
    return topic?.partitions[partitionForGroup(transactionalId, topic.partitions.length)]?.leader ?? NO_LEADER;
  }

  async #ask(coordinator: number, request: Asked, verifyOnly: boolean): Promise<ErrorCodes> {
    const { links, runtime } = this.#broker;
    try {
      const connection = await links.to(coordinator, PURPOSE)?.connect();
      if (connection === undefined) return () => ErrorCode.COORDINATOR_NOT_AVAILABLE;
      const version = connection.requestVersion(addPartitionsToTxnApi);
      if (version < VERSION_MIN) return () => ErrorCode.UNSUPPORTED_VERSION;
      const body = { transactions: [transactionOf(request, verifyOnly)] };
      return errorCodesOf(await connection.request(addPartitionsToTxnApi, body, { version }));
    } catch (error) {
      runtime.logger.debug("a transaction's coordinator cannot be asked", { coordinator, err: error });
      const errno = errnoOf(error);
      return () => (errno === ErrorCode.UNKNOWN_SERVER_ERROR ? errno : ErrorCode.COORDINATOR_NOT_AVAILABLE);
    }
  }
}

function transactionOf({ transactionalId, producerId, producerEpoch, partitions }: Asked, verifyOnly: boolean) {
  const topics = [...partitions].map(([name, indexes]) => ({ name, partitions: [...indexes] }));
  return { transactionalId, producerId, producerEpoch, verifyOnly, topics };
}

function errorCodesOf({ errorCode, resultsByTransaction }: AddPartitionsToTxnResponse): ErrorCodes {
  if (errorCode !== ErrorCode.NONE) return () => errorCode;
  const topics = resultsByTransaction[0]?.topicResults ?? [];
  return (topic, partition) => {
    const results = topics.find(({ name }) => name === topic)?.resultsByPartition;
    const result = results?.find(({ partitionIndex }) => partitionIndex === partition);
    return result?.partitionErrorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
  };
}

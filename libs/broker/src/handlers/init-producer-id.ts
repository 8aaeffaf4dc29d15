import { producerIdentityError } from "@ottla/coordinator/internal";
import { ErrorCode, type InitProducerIdRequest, initProducerIdApi } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { fencedErrno } from "../transactions/fenced-errno.ts";
import type { TransactionCoordinator } from "../transactions/transaction-coordinator.ts";

const FIRST_EPOCH = 0;
const FIRST_VERSION_WITH_FENCED = 4;

/**
 * InitProducerId: a producer id that nobody has had, for an idempotent producer; for a transactional one the id and the
 * next epoch of its transactional id, from which on all who had it before are fenced.
 */
export const initProducerIdHandler = (broker: BrokerServices, transactions: TransactionCoordinator) =>
  apiHandler(
    initProducerIdApi,
    { minVersion: 0, maxVersion: 5, errorResponse: failed },
    async (request, { apiVersion }) => {
      if (request.producerId < 0 !== request.producerEpoch < 0)
        return failed(request, { errno: ErrorCode.INVALID_REQUEST });
      if (request.transactionalId === null) {
        const producerId = await broker.producerIds.next();
        return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId, producerEpoch: FIRST_EPOCH };
      }
      const { errorCode, ...identity } = await initTransactional(request, request.transactionalId, transactions);
      return {
        throttleTimeMs: 0,
        errorCode: fencedErrno(errorCode, apiVersion, FIRST_VERSION_WITH_FENCED),
        ...identity,
      };
    },
  );

async function initTransactional(
  { transactionTimeoutMs, producerId, producerEpoch }: InitProducerIdRequest,
  transactionalId: string,
  transactions: TransactionCoordinator,
) {
  const expected = producerId < 0 ? null : { producerId, producerEpoch };
  return transactions.askForIdentity({
    type: "initProducerId",
    transactionalId,
    timeoutMs: transactionTimeoutMs,
    expected,
  });
}

function failed(_: unknown, { errno }: { readonly errno: number }) {
  return { throttleTimeMs: 0, ...producerIdentityError(errno) };
}

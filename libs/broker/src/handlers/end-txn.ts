import { TransactionVersion } from "@ottla/coordinator/internal";
import { endTxnApi } from "@ottla/protocol";
import { apiHandler, later } from "../api-handler.ts";
import { fencedErrno } from "../transactions/fenced-errno.ts";
import type { TransactionCoordinator } from "../transactions/transaction-coordinator.ts";

const FIRST_VERSION_WITH_FENCED = 2;

/** From here on each transaction ends with a new epoch, which the answer tells (KIP-890). */
const FIRST_VERSION_WITH_EPOCH_BUMP = 5;

/** EndTxn: decides a transaction. It is answered when the decision is durable; markers follow. */
export const endTxnHandler = (transactions: TransactionCoordinator) =>
  apiHandler(endTxnApi, { minVersion: 0, maxVersion: 5 }, (request, { apiVersion }) => {
    const bumpsEpoch = apiVersion >= FIRST_VERSION_WITH_EPOCH_BUMP;
    const answer = transactions.askForIdentity({
      type: "endTransaction",
      transactionalId: request.transactionalId,
      producerId: request.producerId,
      producerEpoch: request.producerEpoch,
      outcome: request.committed ? "commit" : "abort",
      clientTransactionVersion: bumpsEpoch ? TransactionVersion.V2 : TransactionVersion.V0,
    });
    return later(
      answer.then(({ errorCode, ...identity }) => ({
        throttleTimeMs: 0,
        errorCode: fencedErrno(errorCode, apiVersion, FIRST_VERSION_WITH_FENCED),
        ...(bumpsEpoch && identity),
      })),
    );
  });

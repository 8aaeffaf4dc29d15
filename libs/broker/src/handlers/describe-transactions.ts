import { describeTransactionError, type TransactionDescription } from "@ottla/coordinator/internal";
import { describeTransactionsApi } from "@ottla/protocol";
import { apiHandler, later } from "../api-handler.ts";
import type { TransactionCoordinator } from "../transactions/transaction-coordinator.ts";

/** DescribeTransactions: transactional ids that are coordinated here. */
export const describeTransactionsHandler = (transactions: TransactionCoordinator) =>
  apiHandler(
    describeTransactionsApi,
    {
      minVersion: 0,
      maxVersion: 0,
      errorResponse: ({ transactionalIds }, { errno }) => ({
        throttleTimeMs: 0,
        transactionStates: transactionalIds.map((id) => describeTransactionError(id, errno)),
      }),
    },
    ({ transactionalIds }) => {
      const descriptions = transactionalIds.map((transactionalId) =>
        transactions.ask<TransactionDescription>(
          transactionalId,
          (ticket) => ({ type: "describeTransaction", transactionalId, ticket }),
          (errorCode) => describeTransactionError(transactionalId, errorCode),
        ),
      );
      return later(Promise.all(descriptions).then((transactionStates) => ({ throttleTimeMs: 0, transactionStates })));
    },
  );

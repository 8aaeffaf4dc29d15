import { type TransactionListing, transactionalIdMatcher, transactionStates } from "@ottla/coordinator/internal";
import { ErrorCode, KafkaError, listTransactionsApi } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { TransactionCoordinator } from "../transactions/transaction-coordinator.ts";

/** ListTransactions: the transactional ids that are coordinated here, or those that the filters let through. */
export const listTransactionsHandler = (transactions: TransactionCoordinator) =>
  apiHandler(listTransactionsApi, { minVersion: 0, maxVersion: 2 }, async (request) => {
    const { stateFilters, transactionalIdPattern } = request;
    const known = new Set<string>(transactionStates);
    const filters = { ...request, matchesPattern: transactionalIdMatcher(transactionalIdPattern) };
    const found = await transactions.askAll<readonly TransactionListing[]>((ticket) => ({
      type: "listTransactions",
      filters,
      ticket,
    }));
    if (found === null) throw KafkaError.fromCode(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      unknownStateFilters: stateFilters.filter((state) => !known.has(state)),
      transactionStates: found.flat(),
    };
  });

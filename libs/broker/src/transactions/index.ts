import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import { addOffsetsToTxnHandler } from "../handlers/add-offsets-to-txn.ts";
import { addPartitionsToTxnHandler } from "../handlers/add-partitions-to-txn.ts";
import { describeTransactionsHandler } from "../handlers/describe-transactions.ts";
import { endTxnHandler } from "../handlers/end-txn.ts";
import { initProducerIdHandler } from "../handlers/init-producer-id.ts";
import { listTransactionsHandler } from "../handlers/list-transactions.ts";
import { produceHandler } from "../handlers/produce.ts";
import { txnOffsetCommitHandler } from "../handlers/txn-offset-commit.ts";
import { writeTxnMarkersHandler } from "../handlers/write-txn-markers.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { CoordinatorRoutes } from "./coordinator-routes.ts";
import { MarkerRouter } from "./marker-router.ts";
import { MarkerWriter } from "./marker-writer.ts";
import { TransactionCoordinator } from "./transaction-coordinator.ts";
import { TransactionGate } from "./transaction-gate.ts";

/** Transactions: the coordinator, and the APIs that they are made of. */
export function createTransactions(broker: BrokerServices, groups: GroupCoordinator) {
  const writer = new MarkerWriter(broker, groups);
  const transactions = new TransactionCoordinator(broker, new MarkerRouter(broker, writer));
  const gate = new TransactionGate(broker, new CoordinatorRoutes(broker, transactions));
  const handlers = [
    produceHandler(broker, gate),
    initProducerIdHandler(broker, transactions),
    addPartitionsToTxnHandler(broker, transactions),
    addOffsetsToTxnHandler(broker, groups, transactions),
    endTxnHandler(transactions),
    writeTxnMarkersHandler(writer),
    txnOffsetCommitHandler(broker, groups, gate),
    describeTransactionsHandler(transactions),
    listTransactionsHandler(transactions),
  ];
  return { handlers, close: async () => transactions.close() };
}

export {
  type Anomaly,
  type AnomalyKind,
  findAnomalies,
  type History,
  type Read,
  type Send,
  type TransactionHistory,
} from "./history/transaction-history.ts";

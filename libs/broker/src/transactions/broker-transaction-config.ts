import type { TransactionConfig } from "@ottla/coordinator/internal";
import type { BrokerServices } from "../services/broker-services.ts";
import { TRANSACTION_VERSION_FEATURE } from "../services/features.ts";

/** The broker's configs as the transaction coordinator knows them, always as of now. */
export function transactionConfigOf(broker: BrokerServices): TransactionConfig {
  const config = () => broker.config;
  return {
    get transactionMaxTimeoutMs() {
      return config().require("transaction.max.timeout.ms");
    },
    get transactionalIdExpirationMs() {
      return config().require("transactional.id.expiration.ms");
    },
    get abortTimedOutIntervalMs() {
      return config().require("transaction.abort.timed.out.transaction.cleanup.interval.ms");
    },
    get removeExpiredIntervalMs() {
      return config().require("transaction.remove.expired.transaction.cleanup.interval.ms");
    },
    get commitTimeoutMs() {
      return config().require("request.timeout.ms");
    },
    get transactionVersion() {
      return broker.image.features.get(TRANSACTION_VERSION_FEATURE) ?? 0;
    },
  };
}

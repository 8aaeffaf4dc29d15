import type { ClusterClient } from "@ottla/client/internal";
import { TransactionIdentity } from "./transaction-identity.ts";
import { type TransactionHost, TransactionManager } from "./transaction-manager.ts";
import { TransactionRequests } from "./transaction-requests.ts";

/** Whose transactions they are, and how long they and an exchange with a coordinator may take. */
export interface TransactionSettings {
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
  readonly maxBlockMs: number;
}

/** What it takes to do transactions. A producer without a transactional id does without: see `platform/`. */
export interface TransactionEngine {
  createIdentity(timeoutMs: number): TransactionIdentity;
  createManager<K, V>(
    client: ClusterClient,
    settings: TransactionSettings,
    identity: TransactionIdentity,
    host: TransactionHost<K, V>,
  ): TransactionManager<K, V>;
}

export const transactionEngine: TransactionEngine = {
  createIdentity: (timeoutMs) => new TransactionIdentity(timeoutMs),
  createManager(client, { transactionalId, transactionTimeoutMs, maxBlockMs }, identity, host) {
    const requests = new TransactionRequests(client, transactionalId, transactionTimeoutMs);
    return new TransactionManager(identity, requests, host, maxBlockMs);
  },
};

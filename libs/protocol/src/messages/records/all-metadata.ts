import {
  brokerRegistrationChangeRecord,
  fenceBrokerRecord,
  registerBrokerRecord,
  registerControllerRecord,
  unfenceBrokerRecord,
  unregisterBrokerRecord,
} from "./metadata-brokers.ts";
import { clientQuotaRecord, configRecord, featureLevelRecord, producerIdsRecord } from "./metadata-configs.ts";
import type { MetadataRecord } from "./metadata-record.ts";
import {
  accessControlEntryRecord,
  delegationTokenRecord,
  removeAccessControlEntryRecord,
  removeDelegationTokenRecord,
  removeUserScramCredentialRecord,
  userScramCredentialRecord,
} from "./metadata-security.ts";
import {
  clearElrRecord,
  partitionChangeRecord,
  partitionRecord,
  removeTopicRecord,
  topicRecord,
} from "./metadata-topics.ts";
import {
  abortTransactionRecord,
  beginTransactionRecord,
  endTransactionRecord,
  noOpRecord,
  zkMigrationRecord,
} from "./metadata-transactions.ts";

/** Every kind of record in `__cluster_metadata`. For brokers and tools: it pulls every metadata message in. */
export const allMetadataRecords: readonly MetadataRecord[] = [
  registerBrokerRecord,
  unregisterBrokerRecord,
  fenceBrokerRecord,
  unfenceBrokerRecord,
  brokerRegistrationChangeRecord,
  registerControllerRecord,
  configRecord,
  clientQuotaRecord,
  featureLevelRecord,
  producerIdsRecord,
  accessControlEntryRecord,
  removeAccessControlEntryRecord,
  userScramCredentialRecord,
  removeUserScramCredentialRecord,
  delegationTokenRecord,
  removeDelegationTokenRecord,
  topicRecord,
  partitionRecord,
  partitionChangeRecord,
  removeTopicRecord,
  clearElrRecord,
  beginTransactionRecord,
  endTransactionRecord,
  abortTransactionRecord,
  noOpRecord,
  zkMigrationRecord,
];

/** The kinds of metadata records by Kafka's number. */
export const metadataRecordsByType: ReadonlyMap<number, MetadataRecord> = /*#__PURE__*/ new Map(
  /*#__PURE__*/ allMetadataRecords.map((record) => [record.type, record]),
);

import type { Encodable } from "@ottla/protocol";
import * as records from "@ottla/protocol/internal";

/** A kind of record that is written and replayed here, and the version in which it is written. */
interface RecordKind<Declaration> {
  readonly declaration: Declaration;
  readonly writeVersion: number;
}

function kind<Declaration>(declaration: Declaration, writeVersion: number): RecordKind<Declaration> {
  return { declaration, writeVersion };
}

/**
 * Every kind of record that this library writes or replays, by Kafka's name.
 *
 * Versions are those of metadata.version 4.0: log directories (KIP-858), eligible leader replicas (KIP-966).
 */
export const recordKinds = {
  RegisterBrokerRecord: kind(records.registerBrokerRecord, 3),
  UnregisterBrokerRecord: kind(records.unregisterBrokerRecord, 0),
  TopicRecord: kind(records.topicRecord, 0),
  PartitionRecord: kind(records.partitionRecord, 2),
  ConfigRecord: kind(records.configRecord, 0),
  ClientQuotaRecord: kind(records.clientQuotaRecord, 0),
  PartitionChangeRecord: kind(records.partitionChangeRecord, 2),
  FenceBrokerRecord: kind(records.fenceBrokerRecord, 0),
  UnfenceBrokerRecord: kind(records.unfenceBrokerRecord, 0),
  RemoveTopicRecord: kind(records.removeTopicRecord, 0),
  FeatureLevelRecord: kind(records.featureLevelRecord, 0),
  ProducerIdsRecord: kind(records.producerIdsRecord, 0),
  BrokerRegistrationChangeRecord: kind(records.brokerRegistrationChangeRecord, 2),
  BeginTransactionRecord: kind(records.beginTransactionRecord, 0),
  EndTransactionRecord: kind(records.endTransactionRecord, 0),
  AbortTransactionRecord: kind(records.abortTransactionRecord, 0),
  NoOpRecord: kind(records.noOpRecord, 0),
} as const;

export type RecordKindName = keyof typeof recordKinds;

type DeclarationOf<Name extends RecordKindName> = (typeof recordKinds)[Name]["declaration"];

/** A decoded record of the metadata log: every field is there. */
export type MetadataRecord = {
  [Name in RecordKindName]: { readonly type: Name } & records.MetadataRecordOf<DeclarationOf<Name>>;
}[RecordKindName];

/** A record to append: fields with a default may be left out. */
export type NewMetadataRecord = {
  [Name in RecordKindName]: { readonly type: Name } & Encodable<DeclarationOf<Name>["message"]>;
}[RecordKindName];

import { array, bool, float64, int8, int16, int32, int64, string } from "../../schema/field.ts";
import { message } from "../../schema/message.ts";
import { type MetadataRecordOf, metadataRecord } from "./metadata-record.ts";

/** A config of a resource was set, or removed (null). */
export const configRecord = metadataRecord(
  4,
  message(
    { name: "ConfigRecord", validVersions: "0", flexibleVersions: "0+" },
    { resourceType: int8(), resourceName: string(), name: string(), value: string({ nullable: "0+" }) },
  ),
);

/** A quota was set or removed. */
export const clientQuotaRecord = metadataRecord(
  14,
  message(
    { name: "ClientQuotaRecord", validVersions: "0", flexibleVersions: "0+" },
    {
      entity: array({ entityType: string(), entityName: string({ nullable: "0+" }) }),
      key: string(),
      value: float64(),
      remove: bool(),
    },
  ),
);

/** A feature was finalized at a level. */
export const featureLevelRecord = metadataRecord(
  12,
  message(
    { name: "FeatureLevelRecord", validVersions: "0", flexibleVersions: "0+" },
    { name: string(), featureLevel: int16() },
  ),
);

/** A block of producer ids was given out. */
export const producerIdsRecord = metadataRecord(
  15,
  message(
    { name: "ProducerIdsRecord", validVersions: "0", flexibleVersions: "0+" },
    { brokerId: int32(), brokerEpoch: int64({ default: -1 }), nextProducerId: int64() },
  ),
);

export interface ConfigRecord extends MetadataRecordOf<typeof configRecord> {}
export interface ClientQuotaRecord extends MetadataRecordOf<typeof clientQuotaRecord> {}
export interface FeatureLevelRecord extends MetadataRecordOf<typeof featureLevelRecord> {}
export interface ProducerIdsRecord extends MetadataRecordOf<typeof producerIdsRecord> {}

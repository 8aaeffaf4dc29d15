import { array, bool, int8, int16, int32, int64, string, uint16, uuid } from "../../schema/field.ts";
import { message } from "../../schema/message.ts";
import { listenerUrl } from "../listener-url.ts";
import { type MetadataRecordOf, metadataRecord } from "./metadata-record.ts";

/** A broker has registered. */
export const registerBrokerRecord = metadataRecord(
  0,
  message(
    { name: "RegisterBrokerRecord", validVersions: "0-4", flexibleVersions: "0+" },
    {
      brokerId: int32(),
      isMigratingZkBroker: bool({ versions: "2+", default: false }),
      incarnationId: uuid(),
      brokerEpoch: int64(),
      endPoints: array({
        name: string(),
        host: string(),
        port: uint16(),
        securityProtocol: int16(),
        url: listenerUrl("0+"),
      }),
      features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
      rack: string({ nullable: "0+" }),
      fenced: bool({ default: true }),
      inControlledShutdown: bool({ versions: "1+", default: false }),
      logDirs: array(uuid(), { versions: "3+", tag: 0 }),
      cordonedLogDirs: array(uuid(), { versions: "4+", nullable: "4+", tag: 1, default: null }),
    },
  ),
);

/** A broker was removed for good. */
export const unregisterBrokerRecord = metadataRecord(
  1,
  message(
    { name: "UnregisterBrokerRecord", validVersions: "0", flexibleVersions: "0+" },
    { brokerId: int32(), brokerEpoch: int64() },
  ),
);

/** Superseded by BrokerRegistrationChangeRecord. */
export const fenceBrokerRecord = metadataRecord(
  7,
  message({ name: "FenceBrokerRecord", validVersions: "0", flexibleVersions: "0+" }, { id: int32(), epoch: int64() }),
);

/** Superseded by BrokerRegistrationChangeRecord. */
export const unfenceBrokerRecord = metadataRecord(
  8,
  message({ name: "UnfenceBrokerRecord", validVersions: "0", flexibleVersions: "0+" }, { id: int32(), epoch: int64() }),
);

/** A broker was fenced or unfenced, or has begun to shut down. */
export const brokerRegistrationChangeRecord = metadataRecord(
  17,
  message(
    { name: "BrokerRegistrationChangeRecord", validVersions: "0-3", flexibleVersions: "0+" },
    {
      brokerId: int32(),
      brokerEpoch: int64(),
      fenced: int8({ tag: 0 }),
      inControlledShutdown: int8({ versions: "1+", tag: 1 }),
      logDirs: array(uuid(), { versions: "2+", tag: 2 }),
      cordonedLogDirs: array(uuid(), { versions: "3+", nullable: "3+", tag: 3, default: null }),
    },
  ),
);

/** A controller has registered. */
export const registerControllerRecord = metadataRecord(
  27,
  message(
    { name: "RegisterControllerRecord", validVersions: "0", flexibleVersions: "0+" },
    {
      controllerId: int32(),
      incarnationId: uuid(),
      zkMigrationReady: bool(),
      endPoints: array({ name: string(), host: string(), port: uint16(), securityProtocol: int16() }),
      features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    },
  ),
);

export interface RegisterBrokerRecord extends MetadataRecordOf<typeof registerBrokerRecord> {}
export interface UnregisterBrokerRecord extends MetadataRecordOf<typeof unregisterBrokerRecord> {}
export interface FenceBrokerRecord extends MetadataRecordOf<typeof fenceBrokerRecord> {}
export interface UnfenceBrokerRecord extends MetadataRecordOf<typeof unfenceBrokerRecord> {}
export interface BrokerRegistrationChangeRecord extends MetadataRecordOf<typeof brokerRegistrationChangeRecord> {}
export interface RegisterControllerRecord extends MetadataRecordOf<typeof registerControllerRecord> {}

import { array, bytes, int8, int32, int64, string, uuid } from "../../schema/field.ts";
import { message } from "../../schema/message.ts";
import { type MetadataRecordOf, metadataRecord } from "./metadata-record.ts";

/** An ACL was added. */
export const accessControlEntryRecord = metadataRecord(
  18,
  message(
    { name: "AccessControlEntryRecord", validVersions: "0", flexibleVersions: "0+" },
    {
      id: uuid(),
      resourceType: int8(),
      resourceName: string(),
      patternType: int8(),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    },
  ),
);

/** An ACL was deleted. */
export const removeAccessControlEntryRecord = metadataRecord(
  19,
  message({ name: "RemoveAccessControlEntryRecord", validVersions: "0", flexibleVersions: "0+" }, { id: uuid() }),
);

/** A SCRAM credential was set. */
export const userScramCredentialRecord = metadataRecord(
  11,
  message(
    { name: "UserScramCredentialRecord", validVersions: "0", flexibleVersions: "0+" },
    { name: string(), mechanism: int8(), salt: bytes(), storedKey: bytes(), serverKey: bytes(), iterations: int32() },
  ),
);

/** A SCRAM credential was deleted. */
export const removeUserScramCredentialRecord = metadataRecord(
  22,
  message(
    { name: "RemoveUserScramCredentialRecord", validVersions: "0", flexibleVersions: "0+" },
    { name: string(), mechanism: int8() },
  ),
);

/** A delegation token was made or renewed. */
export const delegationTokenRecord = metadataRecord(
  10,
  message(
    { name: "DelegationTokenRecord", validVersions: "0", flexibleVersions: "0+" },
    {
      owner: string(),
      requester: string(),
      renewers: array(string()),
      issueTimestamp: int64(),
      maxTimestamp: int64(),
      expirationTimestamp: int64(),
      tokenId: string(),
    },
  ),
);

/** A delegation token was deleted. */
export const removeDelegationTokenRecord = metadataRecord(
  26,
  message({ name: "RemoveDelegationTokenRecord", validVersions: "0", flexibleVersions: "0+" }, { tokenId: string() }),
);

export interface AccessControlEntryRecord extends MetadataRecordOf<typeof accessControlEntryRecord> {}
export interface RemoveAccessControlEntryRecord extends MetadataRecordOf<typeof removeAccessControlEntryRecord> {}
export interface UserScramCredentialRecord extends MetadataRecordOf<typeof userScramCredentialRecord> {}
export interface RemoveUserScramCredentialRecord extends MetadataRecordOf<typeof removeUserScramCredentialRecord> {}
export interface DelegationTokenRecord extends MetadataRecordOf<typeof delegationTokenRecord> {}
export interface RemoveDelegationTokenRecord extends MetadataRecordOf<typeof removeDelegationTokenRecord> {}

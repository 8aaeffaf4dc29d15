import { apiMessage } from "../schema/api.ts";
import { array, bool, int16, int32, int64, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks which versions of which APIs the broker serves; the first request of a connection. */
export const apiVersionsRequest = message(
  { name: "ApiVersionsRequest", validVersions: "0-4", flexibleVersions: "3+" },
  {
    clientSoftwareName: string({ versions: "3+", ignorable: true }),
    clientSoftwareVersion: string({ versions: "3+", ignorable: true }),
  },
);

/** APIs, their versions, and feature levels. Its header is always v0, so that a client of any age can read it. */
export const apiVersionsResponse = message(
  { name: "ApiVersionsResponse", validVersions: "0-4", flexibleVersions: "3+" },
  {
    errorCode: int16(),
    apiKeys: array({ apiKey: int16(), minVersion: int16(), maxVersion: int16() }),
    throttleTimeMs: int32({ versions: "1+", ignorable: true }),
    supportedFeatures: array(
      { name: string(), minVersion: int16(), maxVersion: int16() },
      { versions: "3+", tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64({ versions: "3+", tag: 1, ignorable: true, default: -1 }),
    finalizedFeatures: array(
      { name: string(), maxVersionLevel: int16(), minVersionLevel: int16() },
      { versions: "3+", tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool({ versions: "3+", tag: 3, ignorable: true, default: false }),
  },
);

export const apiVersionsApi = apiMessage({
  key: 18,
  name: "ApiVersions",
  responseHeaderVersion: 0,
  request: apiVersionsRequest,
  response: apiVersionsResponse,
});

export interface ApiVersionsRequest extends Infer<typeof apiVersionsRequest> {}
export interface ApiVersionsResponse extends Infer<typeof apiVersionsResponse> {}

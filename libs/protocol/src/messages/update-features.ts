import { apiMessage } from "../schema/api.ts";
import { array, bool, int8, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Changes finalized feature levels. */
export const updateFeaturesRequest = message(
  { name: "UpdateFeaturesRequest", validVersions: "0-2", flexibleVersions: "0+" },
  {
    timeoutMs: int32({ default: 60000 }),
    featureUpdates: array({
      feature: string(),
      maxVersionLevel: int16(),
      allowDowngrade: bool({ versions: "0" }),
      upgradeType: int8({ versions: "1+", default: 1 }),
    }),
    validateOnly: bool({ versions: "1+", default: false }),
  },
);

/** Result; for each feature up to v1. */
export const updateFeaturesResponse = message(
  { name: "UpdateFeaturesResponse", validVersions: "0-2", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    results: array(
      { feature: string(), errorCode: int16(), errorMessage: string({ nullable: "0+" }) },
      { versions: "0-1", ignorable: true },
    ),
  },
);

export const updateFeaturesApi = apiMessage({
  key: 57,
  name: "UpdateFeatures",
  request: updateFeaturesRequest,
  response: updateFeaturesResponse,
});

export interface UpdateFeaturesRequest extends Infer<typeof updateFeaturesRequest> {}
export interface UpdateFeaturesResponse extends Infer<typeof updateFeaturesResponse> {}

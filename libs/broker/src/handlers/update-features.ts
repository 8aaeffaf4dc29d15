import { type FeatureOutcome, type FeatureUpdate, FeatureUpgradeType, updateFeatures } from "@ottla/metadata";
import { ErrorCode, type ResponseInput, type UpdateFeaturesRequest, updateFeaturesApi } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { submitWithin } from "../services/submit-within.ts";

type UpdateFeaturesAnswer = ResponseInput<typeof updateFeaturesApi>;

const FIRST_VERSION_WITH_UPGRADE_TYPE = 1;

/** From here on there is one error for all features. */
const FIRST_VERSION_WITHOUT_RESULTS = 2;

/** UpdateFeatures: finalizes other levels of the cluster's features. */
export const updateFeaturesHandler = (broker: BrokerServices) =>
  apiHandler(updateFeaturesApi, { minVersion: 0, maxVersion: 2 }, async (request, { apiVersion }) => {
    const updates = request.featureUpdates.map((update) => updateOf(update, apiVersion));
    const outcomes = await submitWithin(broker, request.timeoutMs, (state) =>
      updateFeatures(state, { updates, validateOnly: request.validateOnly }),
    );
    return answerOf(outcomes, apiVersion);
  });

function updateOf(
  { feature, maxVersionLevel, allowDowngrade, upgradeType }: UpdateFeaturesRequest["featureUpdates"][number],
  apiVersion: number,
): FeatureUpdate {
  if (apiVersion >= FIRST_VERSION_WITH_UPGRADE_TYPE) return { feature, maxVersionLevel, upgradeType };
  const type = allowDowngrade ? FeatureUpgradeType.SAFE_DOWNGRADE : FeatureUpgradeType.UPGRADE;
  return { feature, maxVersionLevel, upgradeType: type };
}

function answerOf(outcomes: readonly FeatureOutcome[], apiVersion: number): UpdateFeaturesAnswer {
  const refused = outcomes.find(({ errno }) => errno !== ErrorCode.NONE);
  if (apiVersion < FIRST_VERSION_WITHOUT_RESULTS) {
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      results: outcomes.map((outcome) => resultOf(outcome, refused)),
    };
  }
  if (refused === undefined) return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null };
  return {
    throttleTimeMs: 0,
    errorCode: refused.errno,
    errorMessage: `The update failed for all features since the following feature had an error: ${refused.message}`,
  };
}

/** With one feature refused, none is updated. */
function resultOf({ feature, errno, message }: FeatureOutcome, refused: FeatureOutcome | undefined) {
  if (refused === undefined || errno !== ErrorCode.NONE) return { feature, errorCode: errno, errorMessage: message };
  const errorMessage = `It was not updated, since ${refused.feature} could not be`;
  return { feature, errorCode: ErrorCode.FEATURE_UPDATE_FAILED, errorMessage };
}

import { type FeatureOutcome, type FeatureUpdate, FeatureUpgradeType, updateFeatures } from "@ottla/metadata";
import { ErrorCode, type ResponseInput, type UpdateFeaturesRequest, updateFeaturesApi } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { submitWithin } from "../services/submit-within.ts";

type UpdateFeaturesAnswer = ResponseInput<typeof updateFeaturesApi>;

const FIRST_VERSION_WITH_UPGRADE_TYPE = 1;

/** From here on features have no results of their own. */
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

/** As Kafka 4: one error for all features, whatever the version. */
function answerOf(outcomes: readonly FeatureOutcome[], apiVersion: number): UpdateFeaturesAnswer {
  const refused = outcomes.find(({ errno }) => errno !== ErrorCode.NONE);
  if (refused !== undefined) {
    const errorMessage = `The update failed for all features since the following feature had an error: ${refused.message}`;
    return { throttleTimeMs: 0, errorCode: refused.errno, errorMessage };
  }
  const updated = { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null };
  if (apiVersion >= FIRST_VERSION_WITHOUT_RESULTS) return updated;
  const results = outcomes.map(({ feature }) => ({ feature, errorCode: ErrorCode.NONE, errorMessage: null }));
  return { ...updated, results };
}

import { ErrorCode } from "@ottla/protocol";
import { type BrokerFeature, type MetadataImage, NO_FEATURE_LEVEL } from "../image/metadata-image.ts";
import { type ControllerResult, type ControllerState, type ItemOutcome, refuse, SUCCESS } from "./controller-state.ts";
import { minIsrForAll } from "./min-isr.ts";

/** Whether a feature may go down, and at which price. Kafka's numbers. */
export const FeatureUpgradeType = { UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const;

export interface FeatureUpdate {
  readonly feature: string;
  /** The level to finalize; 0 takes the feature away. */
  readonly maxVersionLevel: number;
  readonly upgradeType: number;
}

export interface FeatureOutcome extends ItemOutcome {
  readonly feature: string;
}

/**
 * Finalizes other levels of features, all of them or, with one that is refused, none (KIP-584, KIP-1022); with what they
 * need (`minIsrForAll`).
 * @throws KafkaError INVALID_REQUEST where a feature is named twice
 */
export function updateFeatures(
  state: ControllerState,
  { updates, validateOnly }: { readonly updates: readonly FeatureUpdate[]; readonly validateOnly: boolean },
): ControllerResult<readonly FeatureOutcome[]> {
  if (new Set(updates.map(({ feature }) => feature)).size < updates.length) {
    throw refuse(ErrorCode.INVALID_REQUEST, "A feature is named more than once.");
  }
  const { image } = state;
  const outcomes = updates.map((update) => ({ feature: update.feature, ...judge(image, update) }));
  const isRefused = outcomes.some(({ errno }) => errno !== ErrorCode.NONE);
  const changed = updates.filter(({ feature, maxVersionLevel }) => levelOf(image, feature) !== maxVersionLevel);
  const levels = changed.map(({ feature: name, maxVersionLevel: featureLevel }) => ({
    type: "FeatureLevelRecord" as const,
    name,
    featureLevel,
  }));
  if (isRefused || validateOnly) return { records: [], response: outcomes };
  return { records: [...minIsrForAll(state, levels), ...levels], response: outcomes };
}

function levelOf(image: MetadataImage, feature: string): number {
  return image.features.get(feature) ?? NO_FEATURE_LEVEL;
}

function judge(image: MetadataImage, { feature, maxVersionLevel, upgradeType }: FeatureUpdate): ItemOutcome {
  const invalid = (reason: string): ItemOutcome => ({
    errno: ErrorCode.INVALID_UPDATE_VERSION,
    message: `Invalid update version ${maxVersionLevel} for feature ${feature}. ${reason}`,
  });
  const level = levelOf(image, feature);
  const isDowngrade = maxVersionLevel < level;
  if (!Object.values<number>(FeatureUpgradeType).includes(upgradeType)) {
    return invalid("The controller does not support the given upgrade type.");
  }
  if (maxVersionLevel < 0) return invalid("A feature version cannot be less than 0.");
  if (isDowngrade && upgradeType === FeatureUpgradeType.UPGRADE) {
    return invalid(
      "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
    );
  }
  if (maxVersionLevel > level && upgradeType !== FeatureUpgradeType.UPGRADE) {
    return invalid("Can't downgrade to a newer version.");
  }
  const problem = unsupportedBy(image, feature, maxVersionLevel);
  return problem === null ? SUCCESS : invalid(problem);
}

/** Every registered broker has to be able to run at the level. */
function unsupportedBy(image: MetadataImage, name: string, level: number): string | null {
  for (const { brokerId, features } of image.brokers.values()) {
    const supported = features.find((feature: BrokerFeature) => feature.name === name);
    if (supported === undefined) return `Broker ${brokerId} does not support this feature.`;
    const { minSupportedVersion: min, maxSupportedVersion: max } = supported;
    if (level < min || level > max) return `Broker ${brokerId} only supports versions ${min}-${max}.`;
  }
  return null;
}

/**
 * Which of the levels that are finalized a broker cannot run at, in Kafka's words; null where it can at all of them. One
 * that could not would write and read other things than the rest of the cluster.
 */
export function unsupportedLevel(
  finalized: ReadonlyMap<string, number>,
  supported: readonly BrokerFeature[],
): string | null {
  for (const [name, level] of finalized) {
    const { minSupportedVersion: min, maxSupportedVersion: max } =
      supported.find((each) => each.name === name) ?? NOT_AT_ALL;
    if (level >= min && level <= max) continue;
    return `Unable to register because the broker does not support finalized version ${level} of ${name}. The broker wants a version between ${min} and ${max}, inclusive.`;
  }
  return null;
}

const NOT_AT_ALL = { minSupportedVersion: NO_FEATURE_LEVEL, maxSupportedVersion: NO_FEATURE_LEVEL };

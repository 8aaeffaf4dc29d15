import type { Logger } from "@ottla/runtime";
import { type BrokerConfig, ConfigSource } from "../config/broker-config.ts";

const KEY = "min.insync.replicas";

/**
 * Says so where a broker's own settings ask for another `min.insync.replicas` than the metadata have for all brokers: while
 * eligible leader replicas are kept these hold it always, so whoever has changed a file waits for an effect in vain.
 */
export function warnOfOtherMinIsr(config: BrokerConfig, logger: Logger): void {
  const [inForce, ...others] = config.synonyms(KEY);
  const own = others.find(({ source }) => source === ConfigSource.STATIC_BROKER_CONFIG);
  if (inForce?.source !== ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG) return;
  if (own === undefined || own.value === inForce.value) return;
  logger.warn(
    `${KEY}=${own.value} of this broker's settings has no effect: it is ${inForce.value} for all brokers, which is changed at run time (kafka-configs --entity-type brokers --entity-default)`,
  );
}

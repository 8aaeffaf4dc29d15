import type { BrokerServices } from "../services/broker-services.ts";

/** Whether groups may use the consumer protocol (KIP-848): the cluster has the feature, and this broker's config the name. */
export function isConsumerProtocolOn({ image, config }: BrokerServices): boolean {
  const isFinalized = (image.features.get("group.version") ?? 0) >= 1;
  return isFinalized && config.require("group.coordinator.rebalance.protocols").includes("consumer");
}

import { ConfigResourceType, type MetadataImage } from "@ottla/metadata";
import { ErrorCode, KafkaError, listConfigResourcesApi } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";

const FIRST_VERSION_WITH_TYPES = 1;

/** What can be listed, in the order of Kafka's numbers. */
const LISTED_TYPES: readonly number[] = [
  ConfigResourceType.TOPIC,
  ConfigResourceType.BROKER,
  ConfigResourceType.BROKER_LOGGER,
  ConfigResourceType.CLIENT_METRICS,
  ConfigResourceType.GROUP,
];

/** ListConfigResources: topics and brokers there are, and groups and client metrics that have configs of their own (KIP-1142). */
export const listConfigResourcesHandler = (broker: BrokerServices) =>
  apiHandler(listConfigResourcesApi, { minVersion: 0, maxVersion: 1 }, ({ resourceTypes }, { apiVersion }) => {
    const types = apiVersion < FIRST_VERSION_WITH_TYPES ? [ConfigResourceType.CLIENT_METRICS] : resourceTypes;
    const unknown = types.find((type) => !LISTED_TYPES.includes(type));
    if (unknown !== undefined) {
      throw KafkaError.fromCode(ErrorCode.UNSUPPORTED_VERSION, `Configs of resource type ${unknown} cannot be listed`);
    }
    const wanted = types.length === 0 ? LISTED_TYPES : LISTED_TYPES.filter((type) => types.includes(type));
    const configResources = wanted.flatMap((resourceType) =>
      namesOf(broker.image, resourceType).map((resourceName) => ({ resourceType, resourceName })),
    );
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, configResources };
  });

function namesOf(image: MetadataImage, resourceType: number): string[] {
  switch (resourceType) {
    case ConfigResourceType.TOPIC:
      return [...image.topicsByName.keys()].sort();
    case ConfigResourceType.BROKER:
    case ConfigResourceType.BROKER_LOGGER:
      return [...image.brokers.keys()].sort();
    default: {
      const prefix = `${resourceType}:`;
      const keys = [...image.configs.keys()].filter((key) => key.startsWith(prefix));
      return keys.map((key) => key.slice(prefix.length)).sort();
    }
  }
}

import { ConfigResourceType, checkItemsCount, configsOf, outcomeOf, refuse, topicNameProblem } from "@ottla/metadata";
import { type DescribeConfigsRequest, describeConfigsApi, ErrorCode, type ResponseInput } from "@ottla/protocol";
import { apiHandler, type WholeRequestError } from "../api-handler.ts";
import { ConfigSource } from "../config/broker-config.ts";
import {
  type DescribedConfig,
  describeBrokerConfigs,
  describeInheritedConfigs,
  ORDER_OF_GROUPS,
  ORDER_OF_TOPICS,
} from "../config/describe-configs.ts";
import { ConsumerGroupConfig } from "../config/group-config.ts";
import { TopicConfig } from "../config/topic-config.ts";
import type { BrokerServices } from "../services/broker-services.ts";

type ResourceQuery = DescribeConfigsRequest["resources"][number];
type ResourceResult = ResponseInput<typeof describeConfigsApi>["results"][number];

/** DescribeConfigs: every key of a topic, broker or group with its value, where that comes from, and what it is about. */
export const describeConfigsHandler = (broker: BrokerServices) =>
  apiHandler(describeConfigsApi, { minVersion: 1, maxVersion: 4, errorResponse: wholeRequestFailed }, (request) => {
    checkItemsCount(request.resources.length);
    const results = request.resources.map((resource) => answer(broker, resource, request));
    return { throttleTimeMs: 0, results };
  });

function wholeRequestFailed({ resources }: DescribeConfigsRequest, { errno, message }: WholeRequestError) {
  return { throttleTimeMs: 0, results: resources.map((resource) => failed(resource, errno, message)) };
}

function failed(
  { resourceType, resourceName }: ResourceQuery,
  errorCode: number,
  errorMessage: string | null,
): ResourceResult {
  return { errorCode, errorMessage, resourceType, resourceName, configs: [] };
}

function answer(broker: BrokerServices, resource: ResourceQuery, request: DescribeConfigsRequest): ResourceResult {
  const { resourceType, resourceName, configurationKeys } = resource;
  try {
    const wanted = configurationKeys === null || configurationKeys.length === 0 ? null : new Set(configurationKeys);
    const configs = describe(broker, resource)
      .filter(({ name }) => wanted?.has(name) ?? true)
      .map((config) => configResult(config, request));
    // As Kafka: nothing to say is an empty text here.
    return { errorCode: ErrorCode.NONE, errorMessage: "", resourceType, resourceName, configs };
  } catch (error) {
    const { errno, message } = outcomeOf(error);
    return failed(resource, errno, message);
  }
}

function describe(broker: BrokerServices, { resourceType, resourceName }: ResourceQuery): DescribedConfig[] {
  switch (resourceType) {
    case ConfigResourceType.TOPIC:
      return describeTopic(broker, resourceName);
    case ConfigResourceType.BROKER:
      return describeBroker(broker, resourceName);
    case ConfigResourceType.GROUP:
      return describeGroup(broker, resourceName);
    default:
      throw refuse(ErrorCode.INVALID_REQUEST, `Configs of resource type ${resourceType} are not supported.`);
  }
}

function describeTopic({ image, config }: BrokerServices, name: string): DescribedConfig[] {
  const problem = topicNameProblem(name);
  if (problem !== null) throw refuse(ErrorCode.INVALID_TOPIC_EXCEPTION, problem);
  if (!image.topicsByName.has(name)) {
    throw refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${name}' does not exist.`);
  }
  return describeInheritedConfigs(
    new TopicConfig(configsOf(image, ConfigResourceType.TOPIC, name), config),
    ORDER_OF_TOPICS,
  );
}

/** A group need not exist to have configs. */
function describeGroup({ image, config }: BrokerServices, groupId: string): DescribedConfig[] {
  if (groupId === "") throw refuse(ErrorCode.INVALID_REQUEST, "Group name must not be empty");
  const group = new ConsumerGroupConfig(configsOf(image, ConfigResourceType.GROUP, groupId), config);
  return describeInheritedConfigs(group, ORDER_OF_GROUPS);
}

/** Without a name: what was set at run time for all brokers, and nothing else. */
function describeBroker({ nodeId, config }: BrokerServices, name: string): DescribedConfig[] {
  if (name === "") {
    return describeBrokerConfigs(config).flatMap((described) => {
      const shared = described.synonyms.find(({ source }) => source === ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG);
      if (shared === undefined) return [];
      return [{ ...described, value: shared.value, source: shared.source, synonyms: [shared] }];
    });
  }
  if (name === String(nodeId)) return describeBrokerConfigs(config);
  if (!/^[+-]?\d+$/.test(name)) {
    throw refuse(ErrorCode.INVALID_REQUEST, `Broker id must be an integer, but it is: ${name}`);
  }
  throw refuse(
    ErrorCode.INVALID_REQUEST,
    `Unexpected broker id, expected ${nodeId} or empty string, but received ${name}`,
  );
}

function configResult(
  config: DescribedConfig,
  { includeSynonyms, includeDocumentation }: DescribeConfigsRequest,
): ResourceResult["configs"][number] {
  return {
    name: config.name,
    value: config.value,
    readOnly: config.isReadOnly,
    configSource: config.source,
    isSensitive: config.isSensitive,
    synonyms: includeSynonyms ? config.synonyms : [],
    configType: config.type,
    documentation: includeDocumentation ? config.documentation : null,
  };
}

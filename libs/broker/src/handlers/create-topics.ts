import { type CreatedTopic, createTopics } from "@ottla/metadata";
import { type CreateTopicsRequest, createTopicsApi, ErrorCode, type ResponseInput } from "@ottla/protocol";
import { apiHandler, type WholeRequestError } from "../api-handler.ts";
import { describeInheritedConfigs, ORDER_OF_TOPICS } from "../config/describe-configs.ts";
import { TopicConfig } from "../config/topic-config.ts";
import type { TopicConfigName } from "../config/topic-config-table.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { requireTime, submitWithin } from "../services/submit-within.ts";

type CreateTopicsResponseInput = ResponseInput<typeof createTopicsApi>;
type TopicResult = CreateTopicsResponseInput["topics"][number];

/** From here on the answer tells what was created. */
const FIRST_VERSION_WITH_DETAILS = 5;
/** From here on a client may be refused with THROTTLING_QUOTA_EXCEEDED; before it is only told to wait. */
const FIRST_STRICT_VERSION = 6;

/** CreateTopics: each topic on its own. The answer comes when this broker has the topics' logs. */
export const createTopicsHandler = (broker: BrokerServices) =>
  apiHandler(
    createTopicsApi,
    { minVersion: 2, maxVersion: 7, errorResponse: wholeRequestFailed },
    async (request, { apiVersion, clientId }) => {
      const { topics, validateOnly, timeoutMs } = request;
      requireTime(timeoutMs);
      const input = { topics, validateOnly };
      const allowance = broker.quotas.mutations(clientId, apiVersion >= FIRST_STRICT_VERSION);
      const created = await submitWithin(broker, timeoutMs, (state) => createTopics(state, input, allowance.begin()));
      return {
        throttleTimeMs: allowance.throttleTimeMs,
        topics: created.map((topic) => result(broker, topic, apiVersion)),
      };
    },
  );

function wholeRequestFailed(
  { topics }: CreateTopicsRequest,
  { errno, message }: WholeRequestError,
): CreateTopicsResponseInput {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name }) => ({ name, errorCode: errno, errorMessage: message })),
  };
}

function result(broker: BrokerServices, created: CreatedTopic, apiVersion: number): TopicResult {
  const { name, topicId, errno, message } = created;
  const base = { name, topicId, errorCode: errno, errorMessage: message };
  if (apiVersion < FIRST_VERSION_WITH_DETAILS || errno !== ErrorCode.NONE) return base;
  const config = new TopicConfig(created.configs, broker.config);
  return {
    ...base,
    numPartitions: created.numPartitions,
    replicationFactor: created.replicationFactor,
    configs: describeInheritedConfigs(config, ORDER_OF_TOPICS)
      .sort((a, b) => (a.name < b.name ? -1 : 1)) // here Kafka sorts
      .map(({ name: key, value, isReadOnly, isSensitive }) => ({
        name: key,
        value,
        readOnly: isReadOnly,
        // As Kafka: the source is told here that DescribeConfigs leaves out where the value is in another unit.
        configSource: config.sourceOf(key as TopicConfigName),
        isSensitive,
      })),
  };
}

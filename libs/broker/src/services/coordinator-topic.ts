import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { BrokerServices } from "./broker-services.ts";

/** Creates the topic of a coordinator where it is not there yet; what stands against it, or null. */
export async function ensureCoordinatorTopic(
  { image, topics, runtime }: BrokerServices,
  topic: string,
): Promise<KafkaError | null> {
  if (image.topicsByName.has(topic)) return null;
  try {
    await topics.ensure(topic);
    return null;
  } catch (error) {
    runtime.logger.warn(`${topic} could not be created`, { err: error });
    return KafkaError.fromCode(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  }
}

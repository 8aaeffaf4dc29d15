import { topicNameProblem } from "@ottla/metadata";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { ControllerClient, TopicCreation } from "../cluster/controller-client.ts";
import type { BrokerConfig } from "../config/broker-config.ts";
import { topicToCreate } from "./internal-topics.ts";

/** Creates topics that come into being because somebody asked for them. */
export class TopicCreator {
  readonly #controller: Pick<ControllerClient, "createTopics">;
  readonly #config: () => BrokerConfig;
  readonly #isAlone: boolean;
  readonly #pending = new Map<string, Promise<TopicCreation>>();

  /** @param isAlone whether this broker is no member of a cluster */
  constructor(controller: Pick<ControllerClient, "createTopics">, config: () => BrokerConfig, isAlone: boolean) {
    this.#controller = controller;
    this.#config = config;
    this.#isAlone = isAlone;
  }

  /**
   * Creates a topic unless it is there, and resolves when this broker has it. Callers that ask for the same topic at the
   * same time share one creation.
   * @param clientId whose quotas they count for; null where this broker needs the topic
   * @throws KafkaError INVALID_TOPIC_EXCEPTION and what else CreateTopics may answer
   */
  async ensure(name: string, clientId: string | null = null): Promise<void> {
    const problem = topicNameProblem(name);
    if (problem !== null) throw KafkaError.fromCode(ErrorCode.INVALID_TOPIC_EXCEPTION, problem);
    const { errno, message } = await this.#create(name, clientId);
    if (errno === ErrorCode.NONE || errno === ErrorCode.TOPIC_ALREADY_EXISTS) return;
    throw KafkaError.fromCode(errno, message);
  }

  #create(name: string, clientId: string | null): Promise<TopicCreation> {
    const pending = this.#pending.get(name);
    if (pending !== undefined) return pending;
    const topics = [topicToCreate(name, this.#config(), this.#isAlone)];
    const creation = this.#controller
      .createTopics(topics, clientId)
      .then(([created]) => created!)
      .finally(() => this.#pending.delete(name));
    this.#pending.set(name, creation);
    return creation;
  }
}

import { type CreatedTopic, createTopics, topicNameProblem } from "@ottla/metadata";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { BrokerConfig } from "../config/broker-config.ts";
import type { ControllerGateway } from "./broker-services.ts";
import { topicToCreate } from "./internal-topics.ts";

/** Creates topics that come into being because somebody asked for them. */
export class TopicCreator {
  readonly #controller: Pick<ControllerGateway, "submit">;
  readonly #config: () => BrokerConfig;
  readonly #pending = new Map<string, Promise<CreatedTopic>>();

  constructor(controller: Pick<ControllerGateway, "submit">, config: () => BrokerConfig) {
    this.#controller = controller;
    this.#config = config;
  }

  /**
   * Creates a topic unless it is there, and resolves when this broker has it. Callers that ask for the same topic at the
   * same time share one creation.
   * @throws KafkaError INVALID_TOPIC_EXCEPTION and what else CreateTopics may answer
   */
  async ensure(name: string): Promise<void> {
    const problem = topicNameProblem(name);
    if (problem !== null) throw KafkaError.fromCode(ErrorCode.INVALID_TOPIC_EXCEPTION, problem);
    const { errno, message } = await this.#create(name);
    if (errno === ErrorCode.NONE || errno === ErrorCode.TOPIC_ALREADY_EXISTS) return;
    throw KafkaError.fromCode(errno, message);
  }

  #create(name: string): Promise<CreatedTopic> {
    const pending = this.#pending.get(name);
    if (pending !== undefined) return pending;
    const topics = [topicToCreate(name, this.#config())];
    const creation = this.#controller
      .submit((state) => createTopics(state, { topics, validateOnly: false }))
      .then(({ response }) => response[0]!)
      .finally(() => this.#pending.delete(name));
    this.#pending.set(name, creation);
    return creation;
  }
}

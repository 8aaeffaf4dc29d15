import { type NewTopic, USE_DEFAULT } from "@ottla/metadata";
import type { BrokerConfig } from "../config/broker-config.ts";

export const CONSUMER_OFFSETS_TOPIC = "__consumer_offsets";
export const TRANSACTION_STATE_TOPIC = "__transaction_state";

const internalTopics: ReadonlySet<string> = new Set([CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC]);

/** Whether a topic is the broker's own: clients may read it, not write it. */
export function isInternalTopic(name: string): boolean {
  return internalTopics.has(name);
}

/** How a topic is made that somebody asked for without saying how. */
export function topicToCreate(name: string, config: BrokerConfig, isAlone: boolean): NewTopic {
  if (name === CONSUMER_OFFSETS_TOPIC) return consumerOffsetsTopic(config, replicasMax(isAlone));
  if (name === TRANSACTION_STATE_TOPIC) return transactionStateTopic(config, replicasMax(isAlone));
  return { name, numPartitions: USE_DEFAULT, replicationFactor: USE_DEFAULT, assignments: [], configs: [] };
}

/**
 * A broker on its own holds the one replica that there can be, whatever the config asks for. In a cluster the config is
 * kept to: too few brokers today must not mean too few replicas for ever.
 */
function replicasMax(isAlone: boolean): number {
  return isAlone ? 1 : Number.POSITIVE_INFINITY;
}

function consumerOffsetsTopic(config: BrokerConfig, max: number): NewTopic {
  return {
    name: CONSUMER_OFFSETS_TOPIC,
    numPartitions: config.require("offsets.topic.num.partitions"),
    replicationFactor: Math.min(config.require("offsets.topic.replication.factor"), max),
    assignments: [],
    configs: [
      { name: "cleanup.policy", value: "compact" },
      { name: "compression.type", value: "producer" },
      { name: "segment.bytes", value: String(config.require("offsets.topic.segment.bytes")) },
    ],
  };
}

function transactionStateTopic(config: BrokerConfig, max: number): NewTopic {
  return {
    name: TRANSACTION_STATE_TOPIC,
    numPartitions: config.require("transaction.state.log.num.partitions"),
    replicationFactor: Math.min(config.require("transaction.state.log.replication.factor"), max),
    assignments: [],
    configs: [
      { name: "cleanup.policy", value: "compact" },
      { name: "compression.type", value: "uncompressed" },
      { name: "unclean.leader.election.enable", value: "false" },
      { name: "min.insync.replicas", value: String(config.require("transaction.state.log.min.isr")) },
      { name: "segment.bytes", value: String(config.require("transaction.state.log.segment.bytes")) },
    ],
  };
}

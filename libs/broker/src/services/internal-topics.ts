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
export function topicToCreate(name: string, config: BrokerConfig): NewTopic {
  if (name === CONSUMER_OFFSETS_TOPIC) return consumerOffsetsTopic(config);
  if (name === TRANSACTION_STATE_TOPIC) return transactionStateTopic(config);
  return { name, numPartitions: USE_DEFAULT, replicationFactor: USE_DEFAULT, assignments: [], configs: [] };
}

/** A broker on its own holds the one replica that there can be, whatever the config asks for. */
const REPLICAS_ALONE = 1;

function consumerOffsetsTopic(config: BrokerConfig): NewTopic {
  return {
    name: CONSUMER_OFFSETS_TOPIC,
    numPartitions: config.require("offsets.topic.num.partitions"),
    replicationFactor: Math.min(config.require("offsets.topic.replication.factor"), REPLICAS_ALONE),
    assignments: [],
    configs: [
      { name: "cleanup.policy", value: "compact" },
      { name: "compression.type", value: "producer" },
      { name: "segment.bytes", value: String(config.require("offsets.topic.segment.bytes")) },
    ],
  };
}

function transactionStateTopic(config: BrokerConfig): NewTopic {
  return {
    name: TRANSACTION_STATE_TOPIC,
    numPartitions: config.require("transaction.state.log.num.partitions"),
    replicationFactor: Math.min(config.require("transaction.state.log.replication.factor"), REPLICAS_ALONE),
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

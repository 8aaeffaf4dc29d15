import { type ConfigImage, refuse } from "@ottla/metadata";
import { ErrorCode } from "@ottla/protocol";
import { type BrokerConfig, ConfigSource } from "./broker-config.ts";
import type { BrokerConfigName } from "./broker-config-table.ts";
import { type ConfigDefinition, intConfig } from "./config-definition.ts";
import { InheritedConfig, type InheritedKeys } from "./inherited-config.ts";

/** Every config key of a group, under Kafka's names. They concern groups of the consumer protocol (KIP-848). */
export const groupConfigTable = {
  "consumer.session.timeout.ms": intConfig(
    45_000,
    "How long a member of the group may be silent before it is removed, in milliseconds.",
    { min: 1 },
  ),
  "consumer.heartbeat.interval.ms": intConfig(
    5_000,
    "How often members of the group are told to send heartbeats, in milliseconds.",
    { min: 1 },
  ),
  "consumer.assignment.interval.ms": intConfig(
    null,
    "How long a target assignment of the group stands before the next may be made, in milliseconds.",
    { min: 0 },
  ),
} as const satisfies Readonly<Record<string, ConfigDefinition<unknown>>>;

export type GroupConfigName = keyof typeof groupConfigTable;

const keys: InheritedKeys<typeof groupConfigTable> = {
  table: groupConfigTable,
  synonyms: {
    "consumer.session.timeout.ms": [{ brokerKey: "group.consumer.session.timeout.ms" }],
    "consumer.heartbeat.interval.ms": [{ brokerKey: "group.consumer.heartbeat.interval.ms" }],
    "consumer.assignment.interval.ms": [{ brokerKey: "group.consumer.assignment.interval.ms" }],
  },
  ownSource: ConfigSource.GROUP_CONFIG,
};

/** The configs of one group: its own over its broker's. */
export class ConsumerGroupConfig extends InheritedConfig<typeof groupConfigTable> {
  constructor(own: ConfigImage, broker: BrokerConfig) {
    super(keys, own, broker);
  }
}

/** The broker keys that a group's value must lie between. */
const limits: Readonly<Record<GroupConfigName, readonly [min: BrokerConfigName, max: BrokerConfigName]>> = {
  "consumer.session.timeout.ms": ["group.consumer.min.session.timeout.ms", "group.consumer.max.session.timeout.ms"],
  "consumer.heartbeat.interval.ms": [
    "group.consumer.min.heartbeat.interval.ms",
    "group.consumer.max.heartbeat.interval.ms",
  ],
  "consumer.assignment.interval.ms": [
    "group.consumer.min.assignment.interval.ms",
    "group.consumer.max.assignment.interval.ms",
  ],
};

/**
 * Throws where values that are allowed each are not within the broker's limits, or do not fit together.
 * @throws KafkaError INVALID_CONFIG
 */
export function checkGroupConfig(own: ConfigImage, broker: BrokerConfig): void {
  const group = new ConsumerGroupConfig(own, broker);
  for (const name of Object.keys(groupConfigTable) as GroupConfigName[]) {
    const [min, max] = limits[name];
    const value = group.get(name);
    if (value === null) continue;
    if (value < Number(broker.require(min))) {
      throw refuse(ErrorCode.INVALID_CONFIG, `${name} must be greater than or equal to ${min}`);
    }
    if (value > Number(broker.require(max))) {
      throw refuse(ErrorCode.INVALID_CONFIG, `${name} must be less than or equal to ${max}`);
    }
  }
  if (group.require("consumer.session.timeout.ms") > group.require("consumer.heartbeat.interval.ms")) return;
  throw refuse(
    ErrorCode.INVALID_CONFIG,
    "consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms",
  );
}

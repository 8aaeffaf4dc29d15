import type { GroupConfig } from "@ottla/coordinator/internal";
import { ConfigResourceType, configsOf } from "@ottla/metadata";
import { ConsumerGroupConfig } from "../config/group-config.ts";
import type { BrokerServices } from "../services/broker-services.ts";

const MS_PER_MINUTE = 60_000;

/** A cluster gives a new group time for its members to arrive; on one node nobody wants to wait. */
const INITIAL_REBALANCE_DELAY_MS = 3_000;

/** The same for members of the consumer protocol that come at once: one assignment does for all of them. */
const ASSIGNMENT_INTERVAL_MS = 1_000;

/** The broker's configs as the group coordinator knows them, always as of now. */
export function groupConfigOf(broker: BrokerServices): GroupConfig {
  const config = () => broker.config;
  const isAlone = () => broker.image.brokers.size <= 1;
  const groupConfig = (groupId: string) =>
    new ConsumerGroupConfig(configsOf(broker.image, ConfigResourceType.GROUP, groupId), broker.config);
  return {
    get groupMinSessionTimeoutMs() {
      return config().require("group.min.session.timeout.ms");
    },
    get groupMaxSessionTimeoutMs() {
      return config().require("group.max.session.timeout.ms");
    },
    get groupInitialRebalanceDelayMs() {
      return config().get("group.initial.rebalance.delay.ms") ?? (isAlone() ? 0 : INITIAL_REBALANCE_DELAY_MS);
    },
    get groupMaxSize() {
      return config().require("group.max.size");
    },
    groupConsumerSessionTimeoutMs: (groupId) => groupConfig(groupId).require("consumer.session.timeout.ms"),
    groupConsumerHeartbeatIntervalMs: (groupId) => groupConfig(groupId).require("consumer.heartbeat.interval.ms"),
    get groupConsumerMaxSize() {
      return config().require("group.consumer.max.size");
    },
    get groupConsumerAssignors() {
      return config().require("group.consumer.assignors");
    },
    groupConsumerAssignmentIntervalMs: (groupId) =>
      groupConfig(groupId).get("consumer.assignment.interval.ms") ?? (isAlone() ? 0 : ASSIGNMENT_INTERVAL_MS),
    get offsetMetadataMaxBytes() {
      return config().require("offset.metadata.max.bytes");
    },
    get offsetsRetentionMs() {
      return config().require("offsets.retention.minutes") * MS_PER_MINUTE;
    },
    get offsetsRetentionCheckIntervalMs() {
      return config().require("offsets.retention.check.interval.ms");
    },
    get offsetsCommitTimeoutMs() {
      return config().require("offsets.commit.timeout.ms");
    },
  };
}

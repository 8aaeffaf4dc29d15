/** What the group coordinator is configured with; Kafka's broker configs in camelCase. */
export interface GroupConfig {
  /** `group.min.session.timeout.ms`: shorter session timeouts are refused. */
  readonly groupMinSessionTimeoutMs: number;
  /** `group.max.session.timeout.ms`: longer session timeouts are refused. */
  readonly groupMaxSessionTimeoutMs: number;
  /** `group.initial.rebalance.delay.ms`: how long an empty group waits for more members before its first rebalance. */
  readonly groupInitialRebalanceDelayMs: number;
  /** `group.max.size`: members beyond this number are refused. */
  readonly groupMaxSize: number;
  /** `consumer.session.timeout.ms` of a group of the consumer protocol. */
  groupConsumerSessionTimeoutMs(groupId: string): number;
  /** `consumer.heartbeat.interval.ms` of a group of the consumer protocol. */
  groupConsumerHeartbeatIntervalMs(groupId: string): number;
  /** `group.consumer.max.size`: members of the consumer protocol beyond this number are refused. */
  readonly groupConsumerMaxSize: number;
  /** `group.consumer.assignors`: the assignors that members may ask for; the first is the default. */
  readonly groupConsumerAssignors: readonly string[];
  /** `consumer.assignment.interval.ms` of a group: how long a target assignment stands before the next may be made. */
  groupConsumerAssignmentIntervalMs(groupId: string): number;
  /** `offset.metadata.max.bytes`: the longest metadata string of a committed offset. */
  readonly offsetMetadataMaxBytes: number;
  /** `offsets.retention.minutes` in milliseconds: how long offsets outlive their group or their last commit. */
  readonly offsetsRetentionMs: number;
  /** `offsets.retention.check.interval.ms`: how often expired offsets are looked for. */
  readonly offsetsRetentionCheckIntervalMs: number;
  /** `offsets.commit.timeout.ms`: how long an answer waits for its records to be committed. */
  readonly offsetsCommitTimeoutMs: number;
}

/** Kafka's defaults; the initial rebalance delay is that of a cluster of several brokers. */
export const defaultGroupConfig: GroupConfig = {
  groupMinSessionTimeoutMs: 6_000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupInitialRebalanceDelayMs: 3_000,
  groupMaxSize: 2 ** 31 - 1,
  groupConsumerSessionTimeoutMs: () => 45_000,
  groupConsumerHeartbeatIntervalMs: () => 5_000,
  groupConsumerMaxSize: 2 ** 31 - 1,
  groupConsumerAssignors: ["uniform", "range"],
  groupConsumerAssignmentIntervalMs: () => 1_000,
  offsetMetadataMaxBytes: 4_096,
  offsetsRetentionMs: 7 * 24 * 60 * 60 * 1_000,
  offsetsRetentionCheckIntervalMs: 600_000,
  offsetsCommitTimeoutMs: 5_000,
};

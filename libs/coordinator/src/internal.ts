export { joinError, syncError } from "./classic/answers.ts";
export { deleteGroupsError } from "./classic/delete-group.ts";
export { describeGroupError } from "./classic/describe-groups.ts";
export { leaveGroupError } from "./classic/leave-group.ts";
export { defaultGroupConfig, type GroupConfig } from "./group-config.ts";
export * from "./group-requests.ts";
export { offsetCommitError } from "./offsets/offset-commit.ts";
export { offsetDeleteError } from "./offsets/offset-delete.ts";
export { offsetFetchError } from "./offsets/offset-fetch.ts";
export { partitionForGroup } from "./partition-for-group.ts";
export {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
  type UnknownGroupRecord,
} from "./records/group-record.ts";
export { coordinatorError } from "./shard/append-error.ts";
export type { CoordinatorShard, EncodedRecord, StepResult } from "./shard/coordinator-shard.ts";
export type { Moment } from "./shard/step.ts";
export { deliver, type Reply, type Ticket } from "./shard/ticket.ts";
export { GroupCoordinatorShard, type GroupCoordinatorShardOptions, type GroupStepResult } from "./shard.ts";

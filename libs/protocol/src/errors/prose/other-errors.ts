import type { ErrorName } from "../error-code.ts";
import type { clientErrors } from "./client-errors.ts";

/** What the errors mean that administrators, brokers, controllers and kinds of clients meet that are not ours. */
export const otherErrors: Readonly<Record<Exclude<ErrorName, keyof typeof clientErrors>, string>> = {
  STALE_CONTROLLER_EPOCH: "The request came from a controller that has been replaced by another.",
  TOPIC_ALREADY_EXISTS: "A topic with this name exists already (or one whose name differs only in '.' and '_').",
  INVALID_PARTITIONS:
    "The number of partitions is not valid: at least 1, and more than the topic has when partitions are added.",
  INVALID_REPLICATION_FACTOR: "The replication factor must be at least 1 and at most the number of brokers.",
  INVALID_REPLICA_ASSIGNMENT:
    "The replica assignment is not valid: every partition once, replicas without duplicates, on brokers that exist, the same number for each.",
  SECURITY_DISABLED:
    "The broker has no authorizer, so there are no ACLs to read or change; set authorizer.class.name first.",
  OPERATION_NOT_ATTEMPTED: "This part of the request was not tried, because another part failed.",
  LOG_DIR_NOT_FOUND: "The log directory is not one of the broker's log.dirs.",
  REASSIGNMENT_IN_PROGRESS: "The partition is being reassigned; wait for that to end or cancel it.",
  DELEGATION_TOKEN_AUTH_DISABLED: "Delegation tokens are not enabled on the broker (delegation.token.secret.key).",
  DELEGATION_TOKEN_NOT_FOUND: "The broker does not know this delegation token.",
  DELEGATION_TOKEN_OWNER_MISMATCH: "The principal is neither owner nor renewer of the delegation token.",
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED:
    "Delegation tokens cannot be requested over a connection without authentication, or one authenticated by a token.",
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: "This principal may not use the delegation token.",
  DELEGATION_TOKEN_EXPIRED: "The delegation token has expired; request a new one.",
  INVALID_PRINCIPAL_TYPE: "The principal type is not supported; use User.",
  NON_EMPTY_GROUP: "The group still has members; stop its consumers first.",
  TOPIC_DELETION_DISABLED: "Topics cannot be deleted on this broker (delete.topic.enable is false).",
  STALE_BROKER_EPOCH: "The broker has registered again since; its epoch in the request is old.",
  PREFERRED_LEADER_NOT_AVAILABLE: "The preferred leader is not alive or not in sync.",
  ELIGIBLE_LEADERS_NOT_AVAILABLE: "No replica that may become leader is available.",
  ELECTION_NOT_NEEDED: "The partition needs no election; it has the leader asked for.",
  NO_REASSIGNMENT_IN_PROGRESS: "The partition is not being reassigned.",
  GROUP_SUBSCRIBED_TO_TOPIC:
    "The group reads this topic at present, so its offsets cannot be deleted; stop its consumers first.",
  RESOURCE_NOT_FOUND: "The request names something that does not exist.",
  DUPLICATE_RESOURCE: "The request names the same thing twice.",
  UNACCEPTABLE_CREDENTIAL: "The credential does not meet the broker's rules (iterations, salt, name).",
  INCONSISTENT_VOTER_SET: "Sender or receiver is not among the expected voters of the quorum.",
  INVALID_UPDATE_VERSION: "The feature level to update to is not valid or not supported by all brokers.",
  FEATURE_UPDATE_FAILED:
    "The feature levels could not be updated because of an unexpected error; see the controller's log.",
  PRINCIPAL_DESERIALIZATION_FAILURE:
    "The principal in a forwarded request could not be read; the brokers' security setups differ.",
  SNAPSHOT_NOT_FOUND: "The snapshot asked for does not exist.",
  POSITION_OUT_OF_RANGE: "The position is outside the snapshot.",
  DUPLICATE_BROKER_REGISTRATION: "Another live broker has this broker id; give each broker its own node.id.",
  BROKER_ID_NOT_REGISTERED: "No broker with this id is registered.",
  TRANSACTIONAL_ID_NOT_FOUND: "There is no such transactional id.",
  INELIGIBLE_REPLICA: "The new ISR names a replica that may not join it (fenced, or in shutdown).",
  NEW_LEADER_ELECTED: "The partition was changed as asked, and has a new leader.",
  MISMATCHED_ENDPOINT_TYPE: "The request was sent to the wrong kind of endpoint (broker or controller).",
  UNSUPPORTED_ENDPOINT_TYPE: "This kind of endpoint is not supported.",
  UNKNOWN_CONTROLLER_ID: "The controller id is not known.",
  UNKNOWN_SUBSCRIPTION_ID: "The telemetry subscription id is not valid any more; get the subscription again.",
  TELEMETRY_TOO_LARGE: "The pushed telemetry is larger than the broker accepts (telemetry.max.bytes).",
  INVALID_REGISTRATION: "The controller refused the broker's registration; its log says why.",
  INVALID_RECORD_STATE: "The record is not in a state in which it can be acknowledged.",
  SHARE_SESSION_NOT_FOUND: "The broker has dropped this share session; start a new one.",
  INVALID_SHARE_SESSION_EPOCH: "The share session's epoch is not the expected one; start a new session.",
  FENCED_STATE_EPOCH: "The share group's state epoch in the request is not the coordinator's.",
  INVALID_VOTER_KEY: "The voter key is not that of the replica which got the request.",
  DUPLICATE_VOTER: "The voter is in the quorum already.",
  VOTER_NOT_FOUND: "The voter is not in the quorum.",
  STREAMS_INVALID_TOPOLOGY: "The topology of the streams application is not valid.",
  STREAMS_INVALID_TOPOLOGY_EPOCH: "The epoch of the streams topology is not valid.",
  STREAMS_TOPOLOGY_FENCED: "The streams topology is older than the group's.",
  SHARE_SESSION_LIMIT_REACHED: "The broker holds as many share sessions as it may (group.share.max.share.sessions).",
};

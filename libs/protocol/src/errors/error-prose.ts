import type { ErrorName } from "./error-code.ts";

/** What each error means, in one or two sentences: what happened and what a person can do about it. */
export const errorProse: Readonly<Record<ErrorName, string>> = {
  UNKNOWN_SERVER_ERROR: "The broker failed unexpectedly while it handled the request; its log says why.",
  NONE: "No error.",
  OFFSET_OUT_OF_RANGE:
    "The offset asked for is outside what the partition holds (deleted by retention, or not written yet); seek to the beginning or the end, or set autoOffsetReset.",
  CORRUPT_MESSAGE:
    "The record batch is damaged or not allowed: bad CRC, bad size, or a record without a key on a compacted topic.",
  UNKNOWN_TOPIC_OR_PARTITION:
    "The broker does not have this topic or partition; check the spelling and the partition number, create the topic, or wait until a new topic is known everywhere.",
  INVALID_FETCH_SIZE: "The fetch size in the request is not valid; it must be a positive number of bytes.",
  LEADER_NOT_AVAILABLE: "The partition has no leader just now; one is being elected.",
  NOT_LEADER_OR_FOLLOWER:
    "The broker no longer leads (or replicates) this partition; refresh the metadata and send to the new leader.",
  REQUEST_TIMED_OUT:
    "The request was not completed in its time limit; the broker may be overloaded, or replicas too slow to acknowledge.",
  BROKER_NOT_AVAILABLE: "The broker is not there; check that it runs and that its address is right.",
  REPLICA_NOT_AVAILABLE: "The replica of this partition cannot be reached at present.",
  MESSAGE_TOO_LARGE:
    "A record batch is larger than the topic allows; raise max.message.bytes on the topic, or send smaller records or batches.",
  STALE_CONTROLLER_EPOCH: "The request came from a controller that has been replaced by another.",
  OFFSET_METADATA_TOO_LARGE:
    "The metadata string committed with the offset is too long; shorten it or raise offset.metadata.max.bytes on the broker.",
  NETWORK_EXCEPTION: "The connection broke before the response came.",
  COORDINATOR_LOAD_IN_PROGRESS: "The coordinator is still loading its log; try again shortly.",
  COORDINATOR_NOT_AVAILABLE:
    "No coordinator is available for this group or transactional id; its internal topic may still be in creation, or have too few brokers for its replication factor.",
  NOT_COORDINATOR: "This broker does not coordinate the group or transactional id; look the coordinator up again.",
  INVALID_TOPIC_EXCEPTION:
    "The topic name is not valid: 1 to 249 characters of a-z, A-Z, 0-9, '.', '_' and '-' are allowed, and not '.' or '..'; internal topics cannot be written to.",
  RECORD_LIST_TOO_LARGE: "The record batch is larger than a log segment (segment.bytes) may be; send smaller batches.",
  NOT_ENOUGH_REPLICAS:
    "Fewer replicas are in sync than min.insync.replicas asks for, so nothing was written; bring brokers back or lower that setting.",
  NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    "The records were written, but to fewer in-sync replicas than min.insync.replicas asks for.",
  INVALID_REQUIRED_ACKS: "acks must be 0, 1 or -1 (all).",
  ILLEGAL_GENERATION: "The member speaks for a generation of the group that is over; it has to join again.",
  INCONSISTENT_GROUP_PROTOCOL:
    "The member's assignors (or protocol type) have nothing in common with those of the group's other members; give all members one assignor name in common.",
  INVALID_GROUP_ID: "The group id is not valid; it must not be empty.",
  UNKNOWN_MEMBER_ID:
    "The coordinator does not know this member: its session ran out, it left, or the group was deleted; it has to join again.",
  INVALID_SESSION_TIMEOUT:
    "The session timeout is outside the broker's limits, group.min.session.timeout.ms to group.max.session.timeout.ms.",
  REBALANCE_IN_PROGRESS: "The group is rebalancing; the member has to join again.",
  INVALID_COMMIT_OFFSET_SIZE:
    "The offsets committed at once take more bytes than the broker accepts; commit fewer partitions at a time.",
  TOPIC_AUTHORIZATION_FAILED: "This principal may not do that on the topic; ask for an ACL that allows it.",
  GROUP_AUTHORIZATION_FAILED: "This principal may not use the group; ask for an ACL that allows it.",
  CLUSTER_AUTHORIZATION_FAILED: "This principal may not do that on the cluster; ask for an ACL that allows it.",
  INVALID_TIMESTAMP:
    "A record's timestamp is outside what the topic accepts (message.timestamp.before.max.ms, message.timestamp.after.max.ms); timestamps are in milliseconds since 1970.",
  UNSUPPORTED_SASL_MECHANISM:
    "The broker does not offer this SASL mechanism; choose one of those in its answer (sasl.enabled.mechanisms).",
  ILLEGAL_SASL_STATE:
    "The request does not fit the state of authentication: authenticate first, and only once; a listener without SASL takes no SASL request.",
  UNSUPPORTED_VERSION:
    "The other side does not support this request in the version that is needed; upgrade it, or do without the feature.",
  TOPIC_ALREADY_EXISTS: "A topic with this name exists already (or one whose name differs only in '.' and '_').",
  INVALID_PARTITIONS:
    "The number of partitions is not valid: at least 1, and more than the topic has when partitions are added.",
  INVALID_REPLICATION_FACTOR: "The replication factor must be at least 1 and at most the number of brokers.",
  INVALID_REPLICA_ASSIGNMENT:
    "The replica assignment is not valid: every partition once, replicas without duplicates, on brokers that exist, the same number for each.",
  INVALID_CONFIG: "A config key is unknown or its value is not allowed.",
  NOT_CONTROLLER: "This broker is not the active controller; refresh the metadata and ask the controller.",
  INVALID_REQUEST:
    "The request is malformed or contradicts itself; this is usually a defect of the client or a client too old or too new for the broker.",
  UNSUPPORTED_FOR_MESSAGE_FORMAT: "The message format of the stored records does not support this request.",
  POLICY_VIOLATION: "A policy configured on the broker forbids this request.",
  OUT_OF_ORDER_SEQUENCE_NUMBER:
    "An idempotent producer's batch came out of sequence: an earlier batch is missing. Recreate the producer; records in flight may be lost.",
  DUPLICATE_SEQUENCE_NUMBER:
    "An idempotent producer sent a batch that had been written before; it was not written again.",
  INVALID_PRODUCER_EPOCH: "The producer's epoch is old: another producer with the same id has taken over.",
  INVALID_TXN_STATE: "The transaction is not in a state that allows this operation.",
  INVALID_PRODUCER_ID_MAPPING:
    "The producer id is not the one that belongs to this transactional id; initialize the producer again.",
  INVALID_TRANSACTION_TIMEOUT:
    "The transaction timeout is larger than the broker allows (transaction.max.timeout.ms) or not positive.",
  CONCURRENT_TRANSACTIONS: "The previous transaction of this transactional id is still being completed.",
  TRANSACTION_COORDINATOR_FENCED: "The transaction coordinator that sent this has been replaced by another.",
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    "This principal may not use the transactional id; ask for an ACL that allows it.",
  SECURITY_DISABLED:
    "The broker has no authorizer, so there are no ACLs to read or change; set authorizer.class.name first.",
  OPERATION_NOT_ATTEMPTED: "This part of the request was not tried, because another part failed.",
  KAFKA_STORAGE_ERROR: "The broker cannot read or write the partition on disk; look at its disk and its log.",
  LOG_DIR_NOT_FOUND: "The log directory is not one of the broker's log.dirs.",
  SASL_AUTHENTICATION_FAILED: "Authentication failed; check user name, password or token, and the mechanism.",
  UNKNOWN_PRODUCER_ID:
    "The broker has forgotten this producer, as all its records were deleted or it was idle past producer.id.expiration.ms; initialize the producer again.",
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
  GROUP_ID_NOT_FOUND: "There is no group with this id.",
  FETCH_SESSION_ID_NOT_FOUND: "The broker has dropped this fetch session; start a new one with a full fetch.",
  INVALID_FETCH_SESSION_EPOCH:
    "The fetch session's epoch is not the expected one; start a new session with a full fetch.",
  LISTENER_NOT_FOUND: "The partition's leader has no listener of the name by which this client is connected.",
  TOPIC_DELETION_DISABLED: "Topics cannot be deleted on this broker (delete.topic.enable is false).",
  FENCED_LEADER_EPOCH: "The leader epoch in the request is older than the broker's; refresh the metadata.",
  UNKNOWN_LEADER_EPOCH:
    "The leader epoch in the request is newer than the broker's; it has yet to learn of the new leader.",
  UNSUPPORTED_COMPRESSION_TYPE:
    "The records are compressed with a codec that this request version cannot carry (zstd needs Fetch 10 and Produce 7).",
  STALE_BROKER_EPOCH: "The broker has registered again since; its epoch in the request is old.",
  OFFSET_NOT_AVAILABLE: "The new leader's high watermark has not caught up yet; ask again shortly.",
  MEMBER_ID_REQUIRED: "The member has been given an id and has to join again with it.",
  PREFERRED_LEADER_NOT_AVAILABLE: "The preferred leader is not alive or not in sync.",
  GROUP_MAX_SIZE_REACHED: "The group has as many members as the broker allows (group.max.size).",
  FENCED_INSTANCE_ID:
    "Another consumer with the same group.instance.id has taken this one's place; give each instance an id of its own.",
  ELIGIBLE_LEADERS_NOT_AVAILABLE: "No replica that may become leader is available.",
  ELECTION_NOT_NEEDED: "The partition needs no election; it has the leader asked for.",
  NO_REASSIGNMENT_IN_PROGRESS: "The partition is not being reassigned.",
  GROUP_SUBSCRIBED_TO_TOPIC:
    "The group reads this topic at present, so its offsets cannot be deleted; stop its consumers first.",
  INVALID_RECORD: "The broker's checks refused a record; the message in the response says which and why.",
  UNSTABLE_OFFSET_COMMIT: "Offsets of an open transaction are pending for this partition; ask again when it has ended.",
  THROTTLING_QUOTA_EXCEEDED:
    "A quota on changes of topics and partitions is used up; wait for the throttle time in the response.",
  PRODUCER_FENCED: "A newer producer with the same transactional id has fenced this one; close it.",
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
  UNKNOWN_TOPIC_ID:
    "The broker does not know this topic id: the topic was deleted, perhaps created again, or is too new; refresh the metadata.",
  DUPLICATE_BROKER_REGISTRATION: "Another live broker has this broker id; give each broker its own node.id.",
  BROKER_ID_NOT_REGISTERED: "No broker with this id is registered.",
  INCONSISTENT_TOPIC_ID: "The topic id in the request is not that of the partition on disk; refresh the metadata.",
  INCONSISTENT_CLUSTER_ID: "The request is meant for another cluster; check the addresses.",
  TRANSACTIONAL_ID_NOT_FOUND: "There is no such transactional id.",
  FETCH_SESSION_TOPIC_ID_ERROR: "The fetch session mixed topic ids and names; start a new session with a full fetch.",
  INELIGIBLE_REPLICA: "The new ISR names a replica that may not join it (fenced, or in shutdown).",
  NEW_LEADER_ELECTED: "The partition was changed as asked, and has a new leader.",
  OFFSET_MOVED_TO_TIERED_STORAGE: "The offset has moved to tiered storage.",
  FENCED_MEMBER_EPOCH:
    "The coordinator has fenced the member's epoch; the member gives its partitions up and joins again.",
  UNRELEASED_INSTANCE_ID: "Another member still uses this group.instance.id; it must leave first.",
  UNSUPPORTED_ASSIGNOR: "The group does not offer this assignor; choose one of group.consumer.assignors.",
  STALE_MEMBER_EPOCH: "The member's epoch is old; it tries again once its next heartbeat has brought the new one.",
  MISMATCHED_ENDPOINT_TYPE: "The request was sent to the wrong kind of endpoint (broker or controller).",
  UNSUPPORTED_ENDPOINT_TYPE: "This kind of endpoint is not supported.",
  UNKNOWN_CONTROLLER_ID: "The controller id is not known.",
  UNKNOWN_SUBSCRIPTION_ID: "The telemetry subscription id is not valid any more; get the subscription again.",
  TELEMETRY_TOO_LARGE: "The pushed telemetry is larger than the broker accepts (telemetry.max.bytes).",
  INVALID_REGISTRATION: "The controller refused the broker's registration; its log says why.",
  TRANSACTION_ABORTABLE: "The transaction cannot go on; abort it, then the same transactional id can begin another.",
  INVALID_RECORD_STATE: "The record is not in a state in which it can be acknowledged.",
  SHARE_SESSION_NOT_FOUND: "The broker has dropped this share session; start a new one.",
  INVALID_SHARE_SESSION_EPOCH: "The share session's epoch is not the expected one; start a new session.",
  FENCED_STATE_EPOCH: "The share group's state epoch in the request is not the coordinator's.",
  INVALID_VOTER_KEY: "The voter key is not that of the replica which got the request.",
  DUPLICATE_VOTER: "The voter is in the quorum already.",
  VOTER_NOT_FOUND: "The voter is not in the quorum.",
  INVALID_REGULAR_EXPRESSION: "The regular expression of the subscription is not valid RE2 syntax.",
  REBOOTSTRAP_REQUIRED: "The client's metadata is too old to go on with; it starts again from its bootstrap servers.",
  STREAMS_INVALID_TOPOLOGY: "The topology of the streams application is not valid.",
  STREAMS_INVALID_TOPOLOGY_EPOCH: "The epoch of the streams topology is not valid.",
  STREAMS_TOPOLOGY_FENCED: "The streams topology is older than the group's.",
  SHARE_SESSION_LIMIT_REACHED: "The broker holds as many share sessions as it may (group.share.max.share.sessions).",
};

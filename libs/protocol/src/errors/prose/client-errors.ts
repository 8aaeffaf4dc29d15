import type { ErrorName } from "../error-code.ts";

/**
 * What the errors mean that brokers answer with to clients that write and read, in groups and transactions too: in one
 * or two sentences, what happened and what a person can do about it.
 */
export const clientErrors = {
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
  KAFKA_STORAGE_ERROR: "The broker cannot read or write the partition on disk; look at its disk and its log.",
  SASL_AUTHENTICATION_FAILED: "Authentication failed; check user name, password or token, and the mechanism.",
  UNKNOWN_PRODUCER_ID:
    "The broker has forgotten this producer, as all its records were deleted or it was idle past producer.id.expiration.ms; initialize the producer again.",
  GROUP_ID_NOT_FOUND: "There is no group with this id.",
  FETCH_SESSION_ID_NOT_FOUND: "The broker has dropped this fetch session; start a new one with a full fetch.",
  INVALID_FETCH_SESSION_EPOCH:
    "The fetch session's epoch is not the expected one; start a new session with a full fetch.",
  LISTENER_NOT_FOUND: "The partition's leader has no listener of the name by which this client is connected.",
  FENCED_LEADER_EPOCH: "The leader epoch in the request is older than the broker's; refresh the metadata.",
  UNKNOWN_LEADER_EPOCH:
    "The leader epoch in the request is newer than the broker's; it has yet to learn of the new leader.",
  UNSUPPORTED_COMPRESSION_TYPE:
    "The records are compressed with a codec that this request version cannot carry (zstd needs Fetch 10 and Produce 7).",
  OFFSET_NOT_AVAILABLE: "The new leader's high watermark has not caught up yet; ask again shortly.",
  MEMBER_ID_REQUIRED: "The member has been given an id and has to join again with it.",
  GROUP_MAX_SIZE_REACHED: "The group has as many members as the broker allows (group.max.size).",
  FENCED_INSTANCE_ID:
    "Another consumer with the same group.instance.id has taken this one's place; give each instance an id of its own.",
  INVALID_RECORD: "The broker's checks refused a record; the message in the response says which and why.",
  UNSTABLE_OFFSET_COMMIT: "Offsets of an open transaction are pending for this partition; ask again when it has ended.",
  THROTTLING_QUOTA_EXCEEDED:
    "A quota on changes of topics and partitions is used up; wait for the throttle time in the response.",
  PRODUCER_FENCED: "A newer producer with the same transactional id has fenced this one; close it.",
  UNKNOWN_TOPIC_ID:
    "The broker does not know this topic id: the topic was deleted, perhaps created again, or is too new; refresh the metadata.",
  INCONSISTENT_TOPIC_ID: "The topic id in the request is not that of the partition on disk; refresh the metadata.",
  INCONSISTENT_CLUSTER_ID: "The request is meant for another cluster; check the addresses.",
  FETCH_SESSION_TOPIC_ID_ERROR: "The fetch session mixed topic ids and names; start a new session with a full fetch.",
  OFFSET_MOVED_TO_TIERED_STORAGE: "The offset has moved to tiered storage.",
  FENCED_MEMBER_EPOCH:
    "The coordinator has fenced the member's epoch; the member gives its partitions up and joins again.",
  UNRELEASED_INSTANCE_ID: "Another member still uses this group.instance.id; it must leave first.",
  UNSUPPORTED_ASSIGNOR: "The group does not offer this assignor; choose one of group.consumer.assignors.",
  STALE_MEMBER_EPOCH: "The member's epoch is old; it tries again once its next heartbeat has brought the new one.",
  TRANSACTION_ABORTABLE: "The transaction cannot go on; abort it, then the same transactional id can begin another.",
  INVALID_REGULAR_EXPRESSION: "The regular expression of the subscription is not valid RE2 syntax.",
  REBOOTSTRAP_REQUIRED: "The client's metadata is too old to go on with; it starts again from its bootstrap servers.",
} as const satisfies Partial<Readonly<Record<ErrorName, string>>>;

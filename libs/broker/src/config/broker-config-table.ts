import {
  booleanConfig,
  type ConfigDefinition,
  type ConfigSupport,
  ConfigType,
  type ConfigValue,
  choiceConfig,
  countsByHostConfig,
  doubleConfig,
  INT_MAX,
  intConfig,
  LONG_MAX,
  listConfig,
  longConfig,
  shortConfig,
  stringConfig,
} from "./config-definition.ts";
import { SEGMENT_BYTES_MIN } from "./topic-config-table.ts";

const ignored = (reason: string): { readonly support: ConfigSupport } => ({ support: { kind: "ignored", reason } });
const refused = (reason: string): { readonly support: ConfigSupport } => ({ support: { kind: "refused", reason } });

const clusterWide = { updateMode: "cluster-wide" } as const;
const perBroker = { updateMode: "per-broker" } as const;

const NO_THREADS = ignored("one event loop does this work");
const NO_AUTHENTICATION = "there is no authentication yet";
const SASL_TUNING = { ...ignored(NO_AUTHENTICATION), ...perBroker };

const LISTENERS = "entries NAME://host:port separated by commas";
const ADVERTISED = "entries NAME://host:port, ws://host:port/path or wss://host/path separated by commas";

/** Who this broker is and where it is reached. */
const identityAndNetwork = {
  "node.id": intConfig(1, "This broker's id in the cluster.", { min: 0 }),
  "broker.id": intConfig(null, "Another name of node.id.", { min: 0 }),
  "broker.rack": stringConfig(null, "The rack or zone that this broker is in."),
  listeners: stringConfig(
    "PLAINTEXT://localhost:9092",
    "Where the broker listens. Each listener takes Kafka over TCP, WebSocket and HTTP on its one port. `localhost` is loopback only; an empty host or 0.0.0.0 is every interface; port 0 picks a free one.",
    { allowed: LISTENERS, type: ConfigType.LIST },
  ),
  "advertised.listeners": stringConfig(
    null,
    "What clients are told to connect to, for each listener by name; a ws:// or wss:// URL is what WebSocket clients are told. Without it they are told the address that they came by, in a cluster the one in listeners.",
    { allowed: ADVERTISED, type: ConfigType.LIST },
  ),
  "listener.security.protocol.map": stringConfig(
    "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
    "The security protocol of each listener by name.",
    { allowed: "entries NAME:PROTOCOL separated by commas" },
  ),
  "inter.broker.listener.name": stringConfig(
    null,
    "The name of the listener that brokers use among themselves, one of those in listeners. Default: the first one.",
  ),
  "controller.listener.names": listConfig([], "Listeners of KRaft's controllers; the broker does not open them.", {
    ...ignored("the controller runs inside the broker and needs no listener"),
  }),
  "allowed.origins": listConfig(
    [],
    "Web origins (https://app.example) whose pages may use this broker over WebSocket and HTTP; * for any. Pages that the broker serves itself always may.",
  ),
  "socket.request.max.bytes": intConfig(104_857_600, "The largest request in bytes.", { min: 1 }),
  "socket.listen.backlog.size": intConfig(50, "How many connections may wait to be accepted.", {
    min: 1,
    ...ignored("the platform decides how many wait"),
  }),
  "connections.max.idle.ms": longConfig(600_000, "A connection that is silent this long is closed, in milliseconds.", {
    min: 1,
  }),
  "max.request.partition.size.limit": intConfig(2000, "The most partitions in one answer of DescribeTopicPartitions.", {
    min: 1,
  }),
  "max.connections": intConfig(
    INT_MAX,
    "The most connections at a time. Further ones wait until others have gone; those of brokers on a listener of their own do not.",
    { min: 0, ...clusterWide },
  ),
  "max.connections.per.ip": intConfig(
    INT_MAX,
    "The most connections at a time from one address. Further ones are closed. 0 only where max.connections.per.ip.overrides names who may.",
    { min: 0, ...clusterWide },
  ),
  "max.connections.per.ip.overrides": countsByHostConfig(
    "The most connections at a time from single hosts or addresses, in place of max.connections.per.ip.",
    clusterWide,
  ),
  "max.connection.creation.rate": intConfig(
    INT_MAX,
    "The most new connections in a second. What comes faster waits; what the rate allows in quota.window.num - 1 windows may come at once.",
    { min: 0, ...clusterWide },
  ),
  "request.timeout.ms": intConfig(30_000, "How long the broker waits for its own requests, in milliseconds.", {
    min: 1,
  }),
  "queued.max.request.bytes": longConfig(
    -1,
    "Bytes that requests of all connections may take up while they are read and wait; -1 for no limit.",
    { min: -1 },
  ),
  "queued.max.requests": intConfig(500, "Requests that may wait for a thread.", { min: 1, ...NO_THREADS }),
  "num.network.threads": intConfig(3, "Threads for the network.", { min: 1, ...NO_THREADS, ...clusterWide }),
  "num.io.threads": intConfig(8, "Threads for requests.", { min: 1, ...NO_THREADS, ...clusterWide }),
  "background.threads": intConfig(10, "Threads for background work.", { min: 1, ...NO_THREADS, ...clusterWide }),
  "num.recovery.threads.per.data.dir": intConfig(
    2,
    "How many logs of a log directory are recovered at a time after an unclean stop, and flushed at a time at a stop.",
    { min: 1, ...clusterWide },
  ),
  "num.replica.fetchers": intConfig(1, "Fetchers for each source broker.", {
    min: 1,
    ...clusterWide,
  }),
  "socket.send.buffer.bytes": intConfig(102_400, "SO_SNDBUF.", {
    min: -1,
    ...ignored("the platform sizes socket buffers"),
  }),
  "socket.receive.buffer.bytes": intConfig(102_400, "SO_RCVBUF.", {
    min: -1,
    ...ignored("the platform sizes socket buffers"),
  }),
  "connection.failed.authentication.delay.ms": intConfig(100, "Delay before a failed authentication is answered.", {
    min: 0,
    ...ignored(NO_AUTHENTICATION),
  }),
} as const;

/** Topics and their defaults. */
const topics = {
  "auto.create.topics.enable": booleanConfig(true, "Whether a topic comes into being when a client first asks for it."),
  "delete.topic.enable": booleanConfig(true, "Whether topics can be deleted."),
  "num.partitions": intConfig(1, "Partitions of a topic that is created without saying how many.", { min: 1 }),
  "default.replication.factor": intConfig(1, "Replicas of a topic that is created without saying how many.", {
    min: 1,
  }),
  "min.insync.replicas": intConfig(
    1,
    "How many replicas must be in sync for acks=all to be accepted. In a cluster that of the first controller is taken down for all brokers, and changed at run time from then on.",
    { min: 1, ...clusterWide },
  ),
  "unclean.leader.election.enable": booleanConfig(
    false,
    "Whether a replica that is not in sync may become leader.",
    clusterWide,
  ),
  "message.max.bytes": intConfig(1_048_588, "The largest record batch that a topic takes, in bytes.", {
    min: 0,
    ...clusterWide,
  }),
  "compression.type": choiceConfig(
    ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
    "producer",
    "The codec of batches on disk; `producer` keeps what the producer chose.",
    clusterWide,
  ),
  "compression.gzip.level": intConfig(-1, "Level for compression.type gzip.", {
    min: 1,
    max: 9,
    special: -1,
    ...clusterWide,
  }),
  "compression.lz4.level": intConfig(9, "Level for compression.type lz4.", {
    min: 1,
    max: 17,
    ...ignored("lz4 is written at its fast level alone"),
    ...clusterWide,
  }),
  "compression.zstd.level": intConfig(3, "Level for compression.type zstd.", { min: -131072, max: 22, ...clusterWide }),
} as const;

/** The log: files, retention, syncing, cleaning. */
const log = {
  "log.dirs": listConfig(
    ["./data"],
    "Where the logs are: one directory or several, on disks of their own. The cluster metadata is in the first.",
    {
      nonEmpty: true,
    },
  ),
  "log.dir": stringConfig(null, "Another name of log.dirs.", { type: ConfigType.LIST }),
  "log.tail.memory.bytes": longConfig(
    64 * 1024 ** 2,
    "Memory for the newest batches of all partitions together, which are read from there and not from disk. What they keep from being freed counts, not only what is read: a small batch may share a large buffer. Ottla's own.",
    { min: 0 },
  ),
  "log.read.buffer.bytes": longConfig(
    16 * 1024 ** 2,
    "Memory that is kept for reads from disk to use again. Ottla's own.",
    { min: 0 },
  ),
  "log.open.files.max": intConfig(
    4000,
    "How many files of logs are kept open, in all log directories together, but no more than half of what the process may open, where the system tells that. Files in use may be more. Ottla's own.",
    { min: 1 },
  ),
  "log.cleanup.policy": listConfig(["delete"], "The default of cleanup.policy.", {
    choices: ["compact", "delete"],
    ...clusterWide,
  }),
  "log.retention.ms": longConfig(
    null,
    "Milliseconds that records are kept; -1 for ever. Stronger than log.retention.minutes and log.retention.hours.",
    { min: -1, ...clusterWide },
  ),
  "log.retention.minutes": intConfig(null, "Minutes that records are kept; -1 for ever.", { min: -1 }),
  "log.retention.hours": intConfig(168, "Hours that records are kept; -1 for ever.", { min: -1 }),
  "log.retention.bytes": longConfig(-1, "Bytes that a partition keeps; -1 for no limit.", { min: -1, ...clusterWide }),
  "log.retention.check.interval.ms": longConfig(
    300_000,
    "How often retention looks for segments to delete, in milliseconds.",
    { min: 1 },
  ),
  "log.segment.bytes": intConfig(1_073_741_824, "The size of a segment file in bytes.", {
    min: SEGMENT_BYTES_MIN,
    ...clusterWide,
  }),
  "log.roll.ms": longConfig(null, "Milliseconds after which a segment is rolled. Stronger than log.roll.hours.", {
    min: 1,
    ...clusterWide,
  }),
  "log.roll.hours": intConfig(168, "Hours after which a segment is rolled.", { min: 1 }),
  "log.roll.jitter.ms": longConfig(null, "The most by which log.roll.ms is shortened at random.", {
    min: 0,
    ...clusterWide,
  }),
  "log.roll.jitter.hours": intConfig(0, "The most by which log.roll.hours is shortened at random.", { min: 0 }),
  "log.segment.delete.delay.ms": longConfig(60_000, "How long the files of a removed segment stay, in milliseconds.", {
    min: 0,
    ...clusterWide,
  }),
  "log.index.interval.bytes": intConfig(4096, "About how many bytes lie between two entries of the offset index.", {
    min: 0,
    ...clusterWide,
  }),
  "log.index.size.max.bytes": intConfig(10_485_760, "The largest size of an offset index in bytes.", {
    min: 4,
    ...clusterWide,
  }),
  "log.preallocate": booleanConfig(false, "Whether a new segment's file is allocated in full.", {
    ...ignored("segments grow as they are written"),
    ...clusterWide,
  }),
  "log.message.timestamp.type": choiceConfig(
    ["CreateTime", "LogAppendTime"],
    "CreateTime",
    "Whose clock stamps the records.",
    clusterWide,
  ),
  "log.message.timestamp.before.max.ms": longConfig(
    LONG_MAX,
    "How far behind the broker's clock a timestamp may lie.",
    { min: 0, ...clusterWide },
  ),
  "log.message.timestamp.after.max.ms": longConfig(
    3_600_000,
    "How far ahead of the broker's clock a timestamp may lie.",
    { min: 0, ...clusterWide },
  ),
  "log.flush.interval.messages": longConfig(LONG_MAX, "Sync a log after this many records.", {
    min: 1,
    ...clusterWide,
  }),
  "log.flush.interval.ms": longConfig(null, "Sync a log when a record has been unsynced this long, in milliseconds.", {
    min: 0,
    ...clusterWide,
  }),
  "log.flush.scheduler.interval.ms": longConfig(
    LONG_MAX,
    "How often logs are looked at for syncing, in milliseconds.",
    { min: 1 },
  ),
  "log.flush.offset.checkpoint.interval.ms": intConfig(
    60_000,
    "How often the recovery point is written, in milliseconds.",
    { min: 0 },
  ),
  "log.flush.start.offset.checkpoint.interval.ms": intConfig(
    60_000,
    "How often the log start offset is written, in milliseconds.",
    { min: 0, ...ignored("it is written whenever it moves") },
  ),
  "log.cleaner.enable": booleanConfig(true, "Whether compacted topics are compacted."),
  "log.cleaner.threads": intConfig(1, "Logs that are compacted at a time.", { min: 0, ...clusterWide }),
  "log.cleaner.delete.retention.ms": longConfig(86_400_000, "How long tombstones are kept, in milliseconds.", {
    min: 0,
    ...clusterWide,
  }),
  "log.cleaner.min.cleanable.ratio": doubleConfig(0.5, "How much of a log must be uncompacted before it is cleaned.", {
    min: 0,
    max: 1,
    ...clusterWide,
  }),
  "log.cleaner.min.compaction.lag.ms": longConfig(
    0,
    "The shortest time that a record stays uncompacted, in milliseconds.",
    { min: 0, ...clusterWide },
  ),
  "log.cleaner.max.compaction.lag.ms": longConfig(
    LONG_MAX,
    "The longest time that a record stays uncompacted, in milliseconds.",
    { min: 1, ...clusterWide },
  ),
  "log.cleaner.backoff.ms": longConfig(
    15_000,
    "How long the cleaner rests when there is nothing to clean, in milliseconds.",
    { min: 0, ...clusterWide },
  ),
  "log.cleaner.dedupe.buffer.size": longConfig(134_217_728, "Memory for compaction's map of keys, in bytes.", {
    min: 1,
    ...clusterWide,
  }),
  "log.cleaner.io.buffer.size": intConfig(524_288, "Memory for compaction's reads and writes, in bytes.", {
    min: 0,
    ...ignored("compaction reads as large blocks as anybody"),
    ...clusterWide,
  }),
  "log.cleaner.io.buffer.load.factor": doubleConfig(0.9, "How full compaction's map of keys may get.", {
    min: 0,
    max: 1,
    ...clusterWide,
  }),
  "log.cleaner.io.max.bytes.per.second": doubleConfig(
    Number.MAX_VALUE,
    "The most bytes a second that compaction reads and writes.",
    { min: 1, ...clusterWide },
  ),
  "metadata.log.max.record.bytes.between.snapshots": longConfig(
    20_971_520,
    "Bytes of cluster metadata after which a snapshot of it is taken; 10,000 changes are followed by one too.",
    { min: 1 },
  ),
  "metadata.log.dir": stringConfig(
    null,
    "Where the cluster metadata is.",
    refused("the cluster metadata lives in log.dirs"),
  ),
  "cordoned.log.dirs": listConfig([], "Log directories that get no new partitions (KIP-1066).", {
    ...refused("it requires metadata.version >= 4.3-IV0, and metadata here are of 4.0-IV3"),
    ...perBroker,
  }),
  "producer.id.expiration.ms": intConfig(
    86_400_000,
    "How long an idle producer's sequence numbers are remembered, in milliseconds.",
    { min: 1, ...clusterWide },
  ),
  "producer.id.expiration.check.interval.ms": intConfig(
    600_000,
    "How often idle producers are forgotten, in milliseconds.",
    { min: 1 },
  ),
} as const;

/** Reading, groups and offsets. */
const consuming = {
  "fetch.max.bytes": intConfig(57_671_680, "The most bytes in the answer to one fetch.", { min: 1024 }),
  "max.incremental.fetch.session.cache.slots": intConfig(1000, "Fetch sessions that are kept; 0 for none.", {
    min: 0,
  }),
  "group.initial.rebalance.delay.ms": intConfig(
    null,
    "How long a new group waits for more members before its first rebalance, in milliseconds. Default: 0 on one broker, 3000 in a cluster.",
    { min: 0 },
  ),
  "group.min.session.timeout.ms": intConfig(
    6000,
    "The shortest session timeout that a member may ask for, in milliseconds.",
    { min: 1 },
  ),
  "group.max.session.timeout.ms": intConfig(
    1_800_000,
    "The longest session timeout that a member may ask for, in milliseconds.",
    { min: 1 },
  ),
  "group.max.size": intConfig(INT_MAX, "The most members of a group.", { min: 1 }),
  "group.coordinator.rebalance.protocols": listConfig(
    ["classic", "consumer"],
    "The protocols that groups may use: classic, consumer.",
  ),
  "group.consumer.max.size": intConfig(INT_MAX, "The most members of a consumer-protocol group.", { min: 1 }),
  "group.consumer.assignors": listConfig(
    ["uniform", "range"],
    "The assignors that members of consumer-protocol groups may ask for; the first is the default.",
    { choices: ["uniform", "range"], nonEmpty: true },
  ),
  "group.consumer.assignment.interval.ms": intConfig(
    null,
    "How long the target assignment of a consumer-protocol group stands before the next may be made, in milliseconds. Default: 0 on one broker, 1000 in a cluster.",
    { min: 0, ...clusterWide },
  ),
  "group.consumer.min.assignment.interval.ms": intConfig(
    0,
    "The least consumer.assignment.interval.ms that a group may be given, in milliseconds.",
    { min: 0 },
  ),
  "group.consumer.max.assignment.interval.ms": intConfig(
    15_000,
    "The largest consumer.assignment.interval.ms that a group may be given, in milliseconds.",
    { min: 0 },
  ),
  "group.consumer.migration.policy": stringConfig(
    "disabled",
    "Which groups with members may change their protocol.",
    ignored("groups change their protocol while they are empty"),
  ),
  "group.consumer.session.timeout.ms": intConfig(
    45_000,
    "How long a member of a consumer-protocol group may be silent before it is removed, in milliseconds.",
    { min: 1 },
  ),
  "group.consumer.min.session.timeout.ms": intConfig(
    45_000,
    "The least consumer.session.timeout.ms that a group may be given, in milliseconds.",
    { min: 1 },
  ),
  "group.consumer.max.session.timeout.ms": intConfig(
    60_000,
    "The largest consumer.session.timeout.ms that a group may be given, in milliseconds.",
    { min: 1 },
  ),
  "group.consumer.heartbeat.interval.ms": intConfig(
    5_000,
    "How often members of a consumer-protocol group are told to send heartbeats, in milliseconds.",
    { min: 1 },
  ),
  "group.consumer.min.heartbeat.interval.ms": intConfig(
    5_000,
    "The least consumer.heartbeat.interval.ms that a group may be given, in milliseconds.",
    { min: 1 },
  ),
  "group.consumer.max.heartbeat.interval.ms": intConfig(
    15_000,
    "The largest consumer.heartbeat.interval.ms that a group may be given, in milliseconds.",
    { min: 1 },
  ),
  "offset.metadata.max.bytes": intConfig(4096, "The longest metadata of a committed offset, in bytes.", { min: 0 }),
  "offsets.commit.timeout.ms": intConfig(5000, "How long a commit waits for the replicas, in milliseconds.", {
    min: 1,
  }),
  "offsets.load.buffer.size": intConfig(5_242_880, "Bytes read at a time when a coordinator loads.", { min: 1 }),
  "offsets.retention.minutes": intConfig(10_080, "Minutes that the offsets of an empty group are kept.", { min: 1 }),
  "offsets.retention.check.interval.ms": longConfig(600_000, "How often old offsets are looked for, in milliseconds.", {
    min: 1,
  }),
  "offsets.topic.compression.codec": intConfig(
    0,
    "The codec of __consumer_offsets: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.",
    { min: 0, max: 4, ...ignored("the coordinator's few records are written uncompressed") },
  ),
  "offsets.topic.num.partitions": intConfig(50, "Partitions of __consumer_offsets.", { min: 1 }),
  "offsets.topic.replication.factor": shortConfig(3, "Replicas of __consumer_offsets. A broker on its own takes 1.", {
    min: 1,
  }),
  "offsets.topic.segment.bytes": intConfig(104_857_600, "Segment size of __consumer_offsets in bytes.", { min: 1 }),
} as const;

/** The broker as a process. */
const process = {
  "logger.level": choiceConfig(["error", "warn", "info", "debug"], "info", "Which lines the broker's own log has."),
  "logger.format": choiceConfig(
    ["auto", "json", "pretty"],
    "auto",
    "The form of the broker's own log; auto is pretty on a terminal and JSON elsewhere.",
  ),
} as const;

const SECURITY = "security is not supported yet, and the broker would let everyone in: remove it to run without";
const TIERED = "tiered storage is not supported";
const POLICIES = "Java classes cannot be loaded";

/** Keys of Kafka's that do nothing here, each with what a person wants to know about it. */
const others = {
  "process.roles": listConfig([], "KRaft's roles. Every broker here is its own controller.", {
    choices: ["broker", "controller"],
    ...ignored("this broker is always broker and controller"),
  }),
  "controller.quorum.voters": listConfig([], "KRaft's voters.", ignored("this broker is its own controller quorum")),
  "controller.quorum.bootstrap.servers": listConfig(
    [],
    "KRaft's controllers.",
    ignored("this broker is its own controller quorum"),
  ),
  "authorizer.class.name": stringConfig("", "The authorizer.", refused(SECURITY)),
  "super.users": stringConfig("", "Users that may do all.", refused(SECURITY)),
  "sasl.enabled.mechanisms": listConfig(["GSSAPI"], "SASL mechanisms.", { ...refused(SECURITY), ...perBroker }),
  "sasl.mechanism.inter.broker.protocol": stringConfig("GSSAPI", "SASL between brokers.", {
    ...refused(SECURITY),
    ...perBroker,
  }),
  "security.inter.broker.protocol": choiceConfig(["PLAINTEXT"], "PLAINTEXT", "The protocol between brokers."),
  "sasl.kerberos.kinit.cmd": stringConfig("/usr/bin/kinit", "Kerberos' kinit.", SASL_TUNING),
  "sasl.kerberos.ticket.renew.window.factor": doubleConfig(0.8, "When a ticket is renewed.", SASL_TUNING),
  "sasl.kerberos.ticket.renew.jitter": doubleConfig(0.05, "Jitter of the renewal of tickets.", SASL_TUNING),
  "sasl.kerberos.min.time.before.relogin": longConfig(60_000, "Time between renewals of tickets.", SASL_TUNING),
  "sasl.login.refresh.window.factor": doubleConfig(0.8, "When a login is refreshed.", SASL_TUNING),
  "sasl.login.refresh.window.jitter": doubleConfig(0.05, "Jitter of the refresh of logins.", SASL_TUNING),
  "sasl.login.refresh.min.period.seconds": shortConfig(60, "The least time between refreshes of logins.", SASL_TUNING),
  "sasl.login.refresh.buffer.seconds": shortConfig(
    300,
    "How long before its end a login is refreshed at the latest.",
    SASL_TUNING,
  ),
  "ssl.keystore.location": stringConfig(null, "Key store.", { ...refused(SECURITY), ...perBroker }),
  "ssl.keystore.type": stringConfig("JKS", "Key store type.", { ...refused(SECURITY), ...perBroker }),
  "ssl.truststore.location": stringConfig(null, "Trust store.", { ...refused(SECURITY), ...perBroker }),
  "ssl.client.auth": choiceConfig(["none", "requested", "required"], "none", "Client certificates.", {
    ...refused(SECURITY),
    ...perBroker,
  }),
  "create.topic.policy.class.name": stringConfig(null, "A policy for new topics.", {
    ...refused(POLICIES),
    type: ConfigType.CLASS,
  }),
  "alter.config.policy.class.name": stringConfig(null, "A policy for changed configs.", {
    ...refused(POLICIES),
    type: ConfigType.CLASS,
  }),
  "remote.log.storage.system.enable": booleanConfig(false, "Tiered storage.", refused(TIERED)),
  "replica.lag.time.max.ms": longConfig(
    30_000,
    "How long a follower may lag behind the leader's log end and stay in sync, in milliseconds.",
    { min: 1 },
  ),
  "replica.fetch.min.bytes": intConfig(1, "The least bytes that a follower's fetch waits for.", { min: 0 }),
  "replica.fetch.max.bytes": intConfig(1_048_576, "The most bytes of a follower's fetch for one partition.", {
    min: 0,
  }),
  "replica.fetch.wait.max.ms": intConfig(500, "The longest wait of a follower's fetch, in milliseconds.", { min: 0 }),
  "replica.fetch.response.max.bytes": intConfig(10_485_760, "The most bytes of the answer to a follower's fetch.", {
    min: 0,
  }),
  "replica.fetch.backoff.ms": intConfig(
    1000,
    "The longest wait before a follower fetches again after an error, in milliseconds.",
    { min: 0 },
  ),
  "replica.socket.timeout.ms": intConfig(
    30_000,
    "How long a follower waits for its leader's answer, in milliseconds.",
    { min: 1 },
  ),
  "socket.connection.setup.timeout.ms": longConfig(
    10_000,
    "How long a broker waits for a connection to another broker at first, in milliseconds; twice as long after each failure.",
    { min: 1 },
  ),
  "socket.connection.setup.timeout.max.ms": longConfig(
    30_000,
    "The longest wait for a connection to another broker, in milliseconds.",
    { min: 1 },
  ),
  "replica.socket.receive.buffer.bytes": intConfig(
    65_536,
    "Socket buffer of followers.",
    ignored("the platform sizes socket buffers"),
  ),
  "replica.high.watermark.checkpoint.interval.ms": longConfig(5000, "How often the high watermarks are written.", {
    min: 1,
  }),
  "replica.selector.class": choiceConfig(
    ["org.apache.kafka.common.replica.LeaderSelector", "org.apache.kafka.common.replica.RackAwareReplicaSelector"],
    null,
    "Chooses the replica that a consumer is sent to. Default: the leader.",
  ),
  "leader.replication.throttled.rate": longConfig(
    LONG_MAX,
    "The most bytes a second that this broker sends to replicas in leader.replication.throttled.replicas.",
    { min: 0, ...clusterWide },
  ),
  "follower.replication.throttled.rate": longConfig(
    LONG_MAX,
    "The most bytes a second that this broker fetches for replicas in follower.replication.throttled.replicas.",
    { min: 0, ...clusterWide },
  ),
  "replica.alter.log.dirs.io.max.bytes.per.second": longConfig(
    LONG_MAX,
    "The most bytes a second that each replica is copied by that moves to another log directory of this broker.",
    { min: 1, ...clusterWide },
  ),
  "share.coordinator.state.topic.replication.factor": shortConfig(
    3,
    "Replicas of share groups' state.",
    ignored("share groups are not supported"),
  ),
  "share.coordinator.state.topic.min.isr": shortConfig(
    2,
    "In-sync replicas of share groups' state.",
    ignored("share groups are not supported"),
  ),
  "quota.window.num": intConfig(11, "Windows over which client quotas and max.connection.creation.rate are held.", {
    min: 1,
  }),
  "quota.window.size.seconds": intConfig(1, "The length of each of these windows, in seconds.", { min: 1 }),
  "controller.quota.window.num": intConfig(
    11,
    "Windows over which quotas of topic changes (controller_mutation_rate) are held: what they allow in all of them may be done at once.",
    { min: 1 },
  ),
  "controller.quota.window.size.seconds": intConfig(1, "The length of each of those windows, in seconds.", { min: 1 }),
  "metric.reporters": listConfig([], "Reporters of metrics.", { ...ignored(POLICIES), ...clusterWide }),
  "metrics.num.samples": intConfig(2, "Samples that metrics keep.", ignored("metrics are read at scrape")),
  "metrics.sample.window.ms": longConfig(30_000, "Time of a metrics sample.", ignored("metrics are read at scrape")),
} as const;

/** A cluster: where its metadata is, who is alive, who leads. */
const cluster = {
  "zookeeper.connect": stringConfig(
    null,
    "The ZooKeeper ensemble of a cluster. Without it a broker is alone, with its metadata in its own data directory.",
    { allowed: "host:port separated by commas, with a /path (chroot) after the last" },
  ),
  "zookeeper.session.timeout.ms": intConfig(
    18_000,
    "How long the ensemble lets a silent broker live, in milliseconds; the ensemble's own limits are stronger.",
    { min: 1 },
  ),
  "zookeeper.connection.timeout.ms": intConfig(
    null,
    "How often a start that waits for ZooKeeper says so in the log, in milliseconds, after it has said so soon; it goes on trying. Default: zookeeper.session.timeout.ms.",
    { min: 1 },
  ),
  "broker.heartbeat.interval.ms": intConfig(
    2000,
    "How often a broker of a cluster tells the controller that it is alive, in milliseconds.",
    { min: 1 },
  ),
  "broker.session.timeout.ms": intConfig(
    9000,
    "How long the controller waits for a broker's heartbeat before it fences it, in milliseconds.",
    { min: 1 },
  ),
  "controlled.shutdown.enable": booleanConfig(true, "Whether a broker hands its leaderships over before it stops."),
  "controlled.shutdown.max.retries": intConfig(
    3,
    "How many times controlled.shutdown.retry.backoff.ms a broker waits for its leaderships to be handed over before it stops without.",
    { min: 1 },
  ),
  "controlled.shutdown.retry.backoff.ms": longConfig(5000, "See controlled.shutdown.max.retries; in milliseconds.", {
    min: 1,
  }),
  "auto.leader.rebalance.enable": booleanConfig(
    true,
    "Whether the controller gives leadership back to preferred replicas by itself.",
  ),
  "leader.imbalance.check.interval.seconds": longConfig(300, "How often leadership is balanced, in seconds.", {
    min: 1,
  }),
  "leader.imbalance.per.broker.percentage": intConfig(
    10,
    "The share of its preferred partitions that a broker may not lead before leadership is balanced, in percent.",
    ignored("every leadership that has wandered off goes back, as in Apache Kafka since KRaft"),
  ),
} as const;

/** Transactions. */
const transactions = {
  "transaction.state.log.num.partitions": intConfig(50, "Partitions of __transaction_state.", { min: 1 }),
  "transaction.state.log.replication.factor": shortConfig(
    3,
    "Replicas of __transaction_state; one where there is one broker.",
    {
      min: 1,
    },
  ),
  "transaction.state.log.min.isr": intConfig(2, "In-sync replicas that __transaction_state asks for.", { min: 1 }),
  "transaction.state.log.segment.bytes": intConfig(104_857_600, "Segments of __transaction_state, in bytes.", {
    min: SEGMENT_BYTES_MIN,
  }),
  "transaction.state.log.load.buffer.size": intConfig(5_242_880, "Bytes read at a time when a coordinator loads.", {
    min: 1,
  }),
  "transaction.max.timeout.ms": intConfig(900_000, "The longest transaction.timeout.ms that a producer may ask for.", {
    min: 1,
  }),
  "transactional.id.expiration.ms": intConfig(
    604_800_000,
    "How long a transactional id without transactions is remembered, in milliseconds.",
    { min: 1 },
  ),
  "transaction.abort.timed.out.transaction.cleanup.interval.ms": intConfig(
    10_000,
    "How often transactions that have timed out are looked for, in milliseconds.",
    { min: 1 },
  ),
  "transaction.remove.expired.transaction.cleanup.interval.ms": intConfig(
    3_600_000,
    "How often expired transactional ids are looked for, in milliseconds.",
    { min: 1 },
  ),
  "transaction.partition.verification.enable": booleanConfig(
    true,
    "Whether the first append of a transaction to a partition is checked against the coordinator (KIP-890).",
    clusterWide,
  ),
  "add.partitions.to.txn.retry.backoff.ms": intConfig(
    20,
    "How long after a partition could not be added, since the transaction before is still ending, it is tried again.",
    { min: 1 },
  ),
  "add.partitions.to.txn.retry.backoff.max.ms": intConfig(
    100,
    "How long adding a partition is tried before the client is told to try again, in milliseconds.",
    { min: 0 },
  ),
} as const;

/** Every config key of a broker, under Kafka's names with Kafka 4.3's defaults (and this broker's own few). */
export const brokerConfigTable = {
  ...identityAndNetwork,
  ...topics,
  ...log,
  ...consuming,
  ...process,
  ...cluster,
  ...transactions,
  ...others,
} as const satisfies Readonly<Record<string, ConfigDefinition<unknown>>>;

/** The name of a config key of brokers. */
export type BrokerConfigName = keyof typeof brokerConfigTable;

/** What a config key of brokers is once it is parsed. */
export type BrokerConfigValue<Name extends BrokerConfigName> = ConfigValue<(typeof brokerConfigTable)[Name]>;

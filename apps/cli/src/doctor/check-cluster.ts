import type { Admin, ClusterDescription, LogDir, PartialFailureError } from "@ottla/admin";
import { bad, type Finding, good, warn } from "./findings.ts";

const NAMED_MAX = 3;
const FREE_SHARE_MIN = 0.1;

/** The brokers that are registered, fenced ones too. */
type Registered = ClusterDescription["brokers"];

/** So long is looked whether lag grows. */
const LAG_WATCH_MS = 1_500;
const GROUPS_MAX = 200;

/** Keys that ask for a number of replicas, which must not exceed that of the brokers. */
const REPLICATION_KEYS = [
  "default.replication.factor",
  "offsets.topic.replication.factor",
  "transaction.state.log.replication.factor",
  "min.insync.replicas",
  "transaction.state.log.min.isr",
];

/** A key that only Ottla knows. */
const OTTLA_KEY = "log.tail.memory.bytes";

/** Brokers that take no part. A topic can still be given replicas there. */
export function checkBrokers(registered: Registered): Finding[] {
  return registered
    .filter(({ isFenced }) => isFenced)
    .map(({ id }) =>
      bad(
        `Broker ${id} is registered, but takes no part (it is fenced).`,
        "It is down, starting, or cut off: start it, or take it out for good (kafka-cluster unregister).",
      ),
    );
}

/** Replication factors larger than the cluster: internal topics cannot be made then, and clients hang. */
export async function checkConfigs(admin: Admin, registered: Registered): Promise<Finding[]> {
  const name = String(registered.find(({ isFenced }) => !isFenced)?.id ?? 0);
  const [described] = await admin.describeConfigs([{ type: "broker", name, keys: [...REPLICATION_KEYS, OTTLA_KEY] }]);
  const entries = described?.entries ?? [];
  const { length: brokers } = registered;
  const tooLarge = entries.filter(({ key, value }) => key !== OTTLA_KEY && Number(value) > brokers);
  if (tooLarge.length === 0) return [good("Replication factors fit the number of brokers.")];
  const list = tooLarge.map(({ key, value }) => `${key}=${value}`).join(", ");
  const what = `${list} ask for more than the ${brokers} broker(s) that there are`;
  const advice = "Topics cannot be created as asked, internal ones included: lower these, or start more brokers.";
  if (tooLarge.some(({ source }) => source !== "default")) return [bad(`${what}.`, advice)];
  const isOttla = entries.some(({ key }) => key === OTTLA_KEY);
  return [isOttla ? good(`${what}; these are defaults, and Ottla makes do.`) : warn(`${what}.`, advice)];
}

export async function checkDisks(admin: Admin): Promise<Finding[]> {
  try {
    return diskFindings(await admin.describeLogDirs());
  } catch (error) {
    const { failures, results } = error as Partial<PartialFailureError>;
    if (failures === undefined) throw error;
    return [...failures.map(failedDirectory), ...diskFindings((results ?? []) as LogDir[])];
  }
}

function failedDirectory({ resource, error }: PartialFailureError["failures"][number]): Finding {
  if (error.code !== "KAFKA_STORAGE_ERROR")
    return bad(`${resource}: ${error.message}`, "The broker's log may say why.");
  return bad(
    `A log directory has failed: ${resource}.`,
    "Its replicas are offline until its disk is mended and the broker has started again.",
  );
}

/** Of directories whose disk tells of itself. */
export function diskFindings(dirs: readonly Omit<LogDir, "replicas" | "isCordoned">[]): Finding[] {
  return dirs
    .filter(({ totalBytes }) => totalBytes > 0)
    .map(({ broker, path, totalBytes, usableBytes }) => {
      const free = `${Math.round((usableBytes / totalBytes) * 100)}% of the disk below ${path} of broker ${broker} is free`;
      if (usableBytes >= totalBytes * FREE_SHARE_MIN) return good(`${free}.`);
      return bad(
        `Only ${free}.`,
        "On a full disk nothing can be written: lower retention of large topics, or make room.",
      );
    });
}

export async function checkPartitions(admin: Admin): Promise<Finding[]> {
  const listed = await admin.listTopics({ includeInternal: true });
  const topics = await admin.describeTopics(listed.map(({ name }) => name));
  const partitions = topics.flatMap(({ name, partitions: all }) =>
    all.map((partition) => ({ name: `${name}-${partition.partition}`, ...partition })),
  );
  const offline = partitions.filter(({ leader }) => leader < 0).map(({ name }) => name);
  const under = partitions
    .filter(({ replicas, inSyncReplicas }) => inSyncReplicas.length < replicas.length)
    .map(({ name }) => name);
  if (offline.length + under.length === 0)
    return [good(`All ${partitions.length} partitions have a leader and all their replicas.`)];
  return [
    ...(offline.length > 0
      ? [
          bad(
            `Without a leader: ${named(offline)}.`,
            "Nobody can write or read there. Start the brokers that hold their replicas.",
          ),
        ]
      : []),
    ...(under.length > 0
      ? [
          bad(
            `With replicas out of sync: ${named(under)}.`,
            "A broker is down or cannot keep up; one failure more may lose records.",
          ),
        ]
      : []),
  ];
}

export async function checkGroups(admin: Admin, watchMs = LAG_WATCH_MS): Promise<Finding[]> {
  const groups = (await admin.listGroups()).slice(0, GROUPS_MAX);
  const before = await lagsOf(
    admin,
    groups.map(({ groupId }) => groupId),
  );
  await new Promise((resolve) => setTimeout(resolve, watchMs));
  const after = await lagsOf(
    admin,
    groups.map(({ groupId }) => groupId),
  );
  const findings = groups.flatMap(({ groupId, state }): Finding[] => {
    const lag = after.get(groupId) ?? 0;
    const grownBy = lag - (before.get(groupId) ?? lag);
    if (state === "Empty" && lag > 0)
      return [warn(`Group ${groupId} has no members, and ${lag} records to read.`, "Its consumers are not running.")];
    if (grownBy > 0)
      return [
        warn(
          `Group ${groupId} is ${lag} records behind, ${grownBy} more than ${watchMs} ms before.`,
          "Its consumers are too slow, or stuck: look at them, or add some.",
        ),
      ];
    return [];
  });
  return findings.length > 0
    ? findings
    : [good(groups.length === 0 ? "There are no groups." : `None of ${groups.length} group(s) falls behind.`)];
}

async function lagsOf(admin: Admin, groupIds: readonly string[]): Promise<Map<string, number>> {
  const committed = await Promise.all(
    groupIds.map(async (groupId) => ({ groupId, offsets: await admin.listGroupOffsets(groupId) })),
  );
  const all = committed.flatMap(({ offsets }) => offsets);
  const wanted = new Map(
    all.map(({ topic, partition }) => [`${topic}-${partition}`, { topic, partition, spec: "latest" as const }]),
  );
  const ends = new Map(
    (await admin.listOffsets([...wanted.values()])).map((end) => [`${end.topic}-${end.partition}`, end.offset]),
  );
  return new Map(
    committed.map(({ groupId, offsets }) => [
      groupId,
      offsets.reduce(
        (sum, { topic, partition, offset }) => sum + Math.max(0, (ends.get(`${topic}-${partition}`) ?? 0) - offset),
        0,
      ),
    ]),
  );
}

function named(names: readonly string[]): string {
  const rest = names.length - NAMED_MAX;
  return names.slice(0, NAMED_MAX).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import type { TopicCatalog } from "../topic-catalog.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import { appendGroupEpoch, appendRegex } from "./consumer-records.ts";
import { matchTopics } from "./regex.ts";

/** Members or subscriptions have changed: the next target assignment is due. */
export function bumpEpoch(context: CoordinatorContext, step: Step, group: ConsumerGroup): void {
  const hash = metadataHash(context.topics, group.subscribedTopics());
  appendGroupEpoch(step, group.groupId, group.groupEpoch + 1, hash);
}

/**
 * Holds the group against the topics that there are now: what its expressions match, and whether a topic that it reads
 * has come, gone or grown.
 */
export function followTopics(context: CoordinatorContext, step: Step, group: ConsumerGroup): void {
  const { topics } = context;
  if (group.checkedCatalogVersion === topics.version) return;
  for (const regex of group.subscribedRegexes) resolveRegex(context, step, group, regex);
  if (metadataHash(topics, group.subscribedTopics()) !== group.metadataHash) bumpEpoch(context, step, group);
  group.checkedCatalogVersion = topics.version;
}

/** Matches an expression against the topics that there are, and remembers the outcome where it is news. */
export function resolveRegex({ topics }: CoordinatorContext, step: Step, group: ConsumerGroup, regex: string): void {
  const matched = matchTopics(regex, topics.names());
  const before = group.resolvedRegexes.get(regex)?.topics;
  if (before !== undefined && before.size === matched.size && [...matched].every((name) => before.has(name))) return;
  appendRegex(step, group.groupId, regex, { topics: matched, version: topics.version, timestampMs: step.wallMs });
}

/**
 * Tells whether the topics that a group reads are as they were when it last looked: names, ids and partition counts, in
 * 64 bits; 0 where there are none. Kafka's hash is another one: where a log is taken over from it, a group sees one
 * change too many.
 */
export function metadataHash(topics: TopicCatalog, names: ReadonlySet<string>): bigint {
  const high = new Fnv32(0x811c9dc5);
  const low = new Fnv32(0x050c5d1f);
  let isEmpty = true;
  for (const name of [...names].sort()) {
    const topic = topics.byName(name);
    if (topic === undefined) continue;
    isEmpty = false;
    const description = `${name} ${topic.topicId} ${topic.partitionCount}\n`;
    high.add(description);
    low.add(description);
  }
  return isEmpty ? 0n : BigInt.asIntN(64, (BigInt(high.value) << 32n) | BigInt(low.value));
}

/** FNV-1a over UTF-16 units, from a start value of one's own. */
class Fnv32 {
  private state: number;

  constructor(start: number) {
    this.state = start;
  }

  add(text: string): void {
    let state = this.state;
    for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
    this.state = state;
  }

  get value(): number {
    return this.state >>> 0;
  }
}

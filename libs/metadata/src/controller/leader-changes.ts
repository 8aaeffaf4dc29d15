import { NO_LEADER, type PartitionImage, type TopicImage } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import type { ControllerState } from "./controller-state.ts";
import type { PartitionRules, PartitionTarget } from "./partition-change.ts";
import { allowsUncleanElection, partitionChangeRecord, rulesFor } from "./partition-rules.ts";

/**
 * What becomes of partitions when a broker goes: it leaves their ISRs, and what it led is led by another. With
 * `mayHaveLost` it leaves their eligible leader replicas too.
 */
export function changesWithout(
  state: ControllerState,
  brokerId: number,
  { mayHaveLost }: { readonly mayHaveLost: boolean },
): NewMetadataRecord[] {
  const concerns = ({ isr, leader, eligibleLeaderReplicas }: PartitionImage) =>
    leader === brokerId || isr.includes(brokerId) || (mayHaveLost && eligibleLeaderReplicas.includes(brokerId));
  return changesOf(
    state,
    concerns,
    ({ isr }) => ({
      isr: isr.filter((replica) => replica !== brokerId),
      ...(mayHaveLost && { uncleanReplicas: [brokerId] }),
    }),
    (rules) => ({ ...rules, isActive: (id) => id !== brokerId && rules.isActive(id) }),
  );
}

/** What becomes of partitions without a leader when a broker is there again: it leads those that it may. */
export function changesWith(state: ControllerState, brokerId: number): NewMetadataRecord[] {
  const concerns = ({ leader, replicas }: PartitionImage) => leader === NO_LEADER && replicas.includes(brokerId);
  return changesOf(
    state,
    concerns,
    () => ({}),
    (rules) => ({ ...rules, isActive: (id) => id === brokerId || rules.isActive(id) }),
  );
}

/** The changes of all partitions that are concerned, each with the election that its topic allows. */
export function changesOf(
  state: ControllerState,
  concerns: (partition: PartitionImage, topic: TopicImage) => boolean,
  targetOf: (partition: PartitionImage) => PartitionTarget,
  adapt: (rules: PartitionRules) => PartitionRules = (rules) => rules,
): NewMetadataRecord[] {
  const records: NewMetadataRecord[] = [];
  for (const topic of state.image.topicsByName.values()) {
    const concerned = topic.partitions.filter((partition) => concerns(partition, topic));
    if (concerned.length === 0) continue;
    const rules = adapt(rulesFor(state, topic.name));
    const election = allowsUncleanElection(state, topic.name) ? "unclean" : "online";
    for (const partition of concerned) {
      for (const record of partitionChangeRecord(topic, partition, { election, ...targetOf(partition) }, rules)) {
        records.push(record);
      }
    }
  }
  return records;
}

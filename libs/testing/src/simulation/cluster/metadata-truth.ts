import { EMPTY_IMAGE, type MetadataImage, type PartitionImage } from "@ottla/metadata";
import {
  committedImage,
  decodeControllerId,
  decodeEntry,
  decodeEpoch,
  NOTHING_REPLAYED,
  type Replay,
  replayEntry,
  ZooKeeperPaths,
} from "@ottla/metadata/internal";
import type { ModelCommit } from "@ottla/zookeeper";
import { ZOOKEEPER_ROOT } from "../simulated-zookeeper.ts";
import type { Tally } from "../tally.ts";

const paths = new ZooKeeperPaths(ZOOKEEPER_ROOT);
const RECOVERING = 1;

/**
 * The cluster's metadata as the ensemble has it, which no broker may know yet. Each entry is held to what must be true of
 * it at the moment at which it is committed: who is not the controller any more, or not the leader, changes nothing.
 */
export class MetadataTruth {
  image: MetadataImage = EMPTY_IMAGE;
  readonly #tally: Tally;
  readonly #violated: (error: Error) => void;
  /** Told who has been elected controller. */
  onElected: (brokerId: number) => void = () => {};
  #controllerEpoch = 0;
  #replay: Replay = NOTHING_REPLAYED;

  constructor(tally: Tally, violated: (error: Error) => void) {
    this.#tally = tally;
    this.#violated = violated;
  }

  readonly onCommit = ({ tree, changes }: ModelCommit): void => {
    this.#isOneTransaction(changes);
    for (const { type, path } of changes) {
      if (path === paths.controllerEpoch && type === "dataChanged") {
        this.#controllerEpoch = decodeEpoch(tree.get(path)!.data, path);
        this.#tally.add("transition: controller elected");
        this.onElected(decodeControllerId(tree.get(paths.controller)!.data, paths.controller));
      } else if (path === paths.controller && type === "deleted") {
        this.#tally.add("transition: controller gone");
      } else if (path.startsWith(`${paths.snapshots}/`) && type === "created") {
        this.#tally.add("transition: snapshot written");
      } else if (path.startsWith(`${paths.entries}/`) && type === "created") {
        this.#entry(decodeEntry(tree.get(path)!.data, path));
      }
    }
  };

  /** The office goes with another epoch, and an entry with the head: who fails between the two would leave a gap to a zombie. */
  #isOneTransaction(changes: ModelCommit["changes"]): void {
    const isCreated = (isMeant: (path: string) => boolean) =>
      changes.some(({ type, path }) => type === "created" && isMeant(path));
    const isSet = (meant: string) => changes.some(({ type, path }) => type === "dataChanged" && path === meant);
    if (isCreated((path) => path === paths.controller) && !isSet(paths.controllerEpoch))
      this.#violated(new Error("somebody became controller without another epoch"));
    if (isCreated((path) => path.startsWith(`${paths.entries}/`)) && !isSet(paths.head))
      this.#violated(new Error("an entry of the metadata log was written without its head"));
  }

  #entry(entry: ReturnType<typeof decodeEntry>): void {
    if (entry.epoch !== this.#controllerEpoch)
      this.#violated(new Error(`a controller of epoch ${entry.epoch} wrote in epoch ${this.#controllerEpoch}`));
    if (entry.baseOffset !== this.#replay.image.offset + 1)
      this.#violated(new Error(`an entry at ${entry.baseOffset} of the metadata follows ${this.#replay.image.offset}`));
    // One append may hold several operations, each decided on what the one before it has led to. A transaction's records
    // count when it ends.
    entry.records.forEach((record, index) => {
      const before = this.image;
      const baseOffset = entry.baseOffset + index;
      this.#replay = replayEntry(this.#replay, { ...entry, baseOffset, endOffset: baseOffset + 1, records: [record] });
      this.image = committedImage(this.#replay);
      this.#compareBrokers(before);
      this.#comparePartitions(before);
    });
  }

  #compareBrokers(before: MetadataImage): void {
    for (const [id, broker] of this.image.brokers) {
      const was = before.brokers.get(id);
      if (was === broker) continue;
      if (was === undefined || was.epoch !== broker.epoch) this.#tally.add("transition: broker registered");
      else if (was.fenced !== broker.fenced)
        this.#tally.add(`transition: broker ${broker.fenced ? "fenced" : "unfenced"}`);
      else if (broker.inControlledShutdown) this.#tally.add("transition: controlled shutdown");
    }
  }

  #comparePartitions(before: MetadataImage): void {
    for (const [name, topic] of this.image.topicsByName) {
      const was = before.topicsByName.get(name);
      if (was === topic) continue;
      if (was === undefined) this.#tally.add("transition: topic created");
      if (was?.topicId !== topic.topicId) continue;
      if (topic.partitions.length > was.partitions.length) this.#tally.add("transition: partitions added");
      for (const [index, previous] of was.partitions.entries()) {
        const next = topic.partitions[index]!;
        if (next !== previous) this.#comparePartition(`${name}-${index}`, previous, next);
      }
    }
    for (const [name] of before.topicsByName)
      if (this.image.topicsByName.get(name) === undefined) this.#tally.add("transition: topic deleted");
  }

  #comparePartition(name: string, was: PartitionImage, is: PartitionImage): void {
    if (is.partitionEpoch <= was.partitionEpoch)
      this.#violated(new Error(`${name}: partition epoch ${is.partitionEpoch} follows ${was.partitionEpoch}`));
    if (is.leaderEpoch < was.leaderEpoch || (is.leader !== was.leader && is.leaderEpoch === was.leaderEpoch))
      this.#violated(new Error(`${name}: ${is.leader} leads in epoch ${is.leaderEpoch}, and ${was.leader} before`));
    if (isReassigned(is)) this.#tally.add("transition: replicas move");
    else if (isReassigned(was)) this.#tally.add("transition: replicas have moved");
    if (is.isr.length < was.isr.length) this.#tally.add("transition: ISR shrinks");
    if (is.isr.length > was.isr.length) this.#tally.add("transition: ISR grows");
    if (is.leader === was.leader) return;
    if (is.leader < 0) this.#tally.add("transition: no leader");
    else this.#elected(name, was, is);
  }

  /** Who leads was in sync, or eligible; or led last, and no other was left. */
  #elected(name: string, was: PartitionImage, is: PartitionImage): void {
    const { leader } = is;
    if (is.leaderRecoveryState === RECOVERING) this.#tally.add("transition: last known leader elected");
    else if (was.isr.includes(leader)) this.#tally.add("transition: leader elected from ISR");
    else if (was.eligibleLeaderReplicas.includes(leader)) this.#tally.add("transition: leader elected from ELR");
    else if (isReassigned(was) && is.isr.includes(leader))
      this.#tally.add("transition: leader elected by reassignment");
    else
      this.#violated(
        new Error(`${name}: ${leader} leads; in sync were ${was.isr}, eligible ${was.eligibleLeaderReplicas}`),
      );
  }
}

function isReassigned({ addingReplicas, removingReplicas }: PartitionImage): boolean {
  return addingReplicas.length + removingReplicas.length > 0;
}

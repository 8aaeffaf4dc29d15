import type { Broker } from "@ottla/broker";
import { decodeAssignment } from "@ottla/consumer/internal";
import { decodeGroupRecord, type GroupRecord } from "@ottla/coordinator/internal";
import { readRecordBatch } from "@ottla/protocol";
import { nextBatchPosition } from "@ottla/protocol/internal";
import type { Tally } from "../tally.ts";

const OFFSETS_TOPIC = "__consumer_offsets";
const READ_BYTES = 1 << 20;

type Commit = Extract<GroupRecord, { type: "offsetCommit" }>;
type ClassicGroup = Extract<GroupRecord, { type: "groupMetadata" }>;
type Progress = Extract<GroupRecord, { type: "consumerProgress" }>;

/**
 * Reads what the group coordinators write, as it is committed, and holds it to what must be true of it at any moment:
 *
 * 1. In a generation of the classic protocol a partition is assigned to one member.
 * 2. In the consumer protocol no two members have a partition, what they have still to give up included.
 * 3. Generations and group epochs never go back.
 * 4. Committed offsets never go back, as no member ever seeks, and no request to commit comes late.
 * 5. What is committed as processed was handed to some member of the group.
 */
export class GroupLogCheck {
  readonly #tally: Tally;
  readonly #isHandledUpTo: (groupId: string, partition: number, offset: number) => boolean;
  readonly #positions = new Map<number, number>();
  readonly #generations = new Map<string, number>();
  readonly #committed = new Map<string, number>();
  /** By group and member: `topic id / partition`. */
  readonly #owned = new Map<string, Map<string, ReadonlySet<string>>>();
  #reading: Broker | undefined;

  constructor(tally: Tally, isHandledUpTo: (groupId: string, partition: number, offset: number) => boolean) {
    this.#tally = tally;
    this.#isHandledUpTo = isHandledUpTo;
  }

  committedOf(groupId: string, partition: number): number {
    return this.#committed.get(`${groupId} ${partition}`) ?? 0;
  }

  /** Reads what is new. A broker that is killed meanwhile answers no more: the next call begins with the next one. */
  async read(broker: Broker): Promise<void> {
    if (this.#reading === broker) return;
    this.#reading = broker;
    for (const partition of broker.services.partitions.all()) {
      if (partition.topic === OFFSETS_TOPIC) await this.#readPartition(broker, partition.partition);
    }
    if (this.#reading === broker) this.#reading = undefined;
  }

  async #readPartition(broker: Broker, index: number): Promise<void> {
    const log = broker.services.partitions.get(OFFSETS_TOPIC, index)?.log;
    for (;;) {
      const from = this.#positions.get(index) ?? 0;
      if (log === undefined || from >= log.highWatermark) return;
      const read = await log.read(from, { maxBytes: READ_BYTES, minOneBatch: true, limit: "highWatermark" });
      if (this.#reading !== broker) return;
      for (const chunk of read.chunks) await this.#chunk(index, chunk);
      read.release();
    }
  }

  async #chunk(index: number, chunk: Uint8Array): Promise<void> {
    for (let position = 0; position < chunk.length; position = nextBatchPosition(chunk, position)) {
      const batch = await readRecordBatch(chunk, position);
      if (batch.baseOffset >= (this.#positions.get(index) ?? 0)) {
        for (const { key, value } of batch) if (key !== null) this.#record(decodeGroupRecord(key, value));
      }
      this.#positions.set(index, batch.lastOffset + 1);
    }
  }

  #record(record: ReturnType<typeof decodeGroupRecord>): void {
    this.#tally.add(`record ${record.type}${"value" in record && record.value === null ? " (tombstone)" : ""}`);
    if (record.type === "offsetCommit") this.#commit(record);
    else if (record.type === "groupMetadata") this.#classic(record);
    else if (record.type === "consumerProgress") this.#progress(record);
    else if (record.type === "consumerGroup") this.#generation(record.key.groupId, record.value?.epoch ?? null);
  }

  #commit({ key, value }: Commit): void {
    if (value === null) return;
    const id = `${key.group} ${key.partition}`;
    const before = this.#committed.get(id) ?? 0;
    if (value.offset < before)
      throw new Error(`group ${id} was committed at ${before} and goes back to ${value.offset}`);
    if (!this.#isHandledUpTo(key.group, key.partition, value.offset)) {
      throw new Error(`group ${id} is committed at ${value.offset}, before all of that was handled`);
    }
    this.#committed.set(id, value.offset);
  }

  #classic({ key: { group }, value }: ClassicGroup): void {
    this.#generation(group, value?.generation ?? null);
    const owners = new Map<string, string>();
    for (const { memberId, assignment } of value?.members ?? []) {
      for (const { partition } of decodeAssignment(assignment).partitions) {
        claim(owners, `${partition}`, memberId, `group ${group}, generation ${value?.generation}`);
      }
    }
  }

  #progress({ key: { groupId, memberId }, value }: Progress): void {
    const members = this.#owned.get(groupId) ?? new Map<string, ReadonlySet<string>>();
    this.#owned.set(groupId, members);
    members.delete(memberId);
    if (value === null) return;
    const owned = [...(value.assignedPartitions ?? []), ...(value.partitionsPendingRevocation ?? [])];
    members.set(memberId, new Set(owned.flatMap((topic) => topic.partitions.map((p) => `${topic.topicId}/${p}`))));
    const owners = new Map<string, string>();
    for (const [id, partitions] of members) {
      for (const partition of partitions) claim(owners, partition, id, `group ${groupId}, epoch ${value.memberEpoch}`);
    }
  }

  #generation(groupId: string, generation: number | null): void {
    const before = this.#generations.get(groupId) ?? 0;
    if (generation === null) this.#generations.delete(groupId);
    else if (generation < before) throw new Error(`group ${groupId}: generation ${generation} follows ${before}`);
    else this.#generations.set(groupId, generation);
  }
}

/** @throws Error when the partition is somebody else's already */
export function claim(owners: Map<string, string>, partition: string, owner: string, where: string): void {
  const key = `${where}: partition ${partition}`;
  const other = owners.get(key);
  if (other !== undefined && other !== owner) throw new Error(`${key} belongs to ${other} and to ${owner}`);
  owners.set(key, owner);
}

import { readRecordBatch } from "@ottla/protocol";
import { nextBatchPosition } from "@ottla/protocol/internal";
import type { PartitionLog } from "@ottla/storage";
import type { ReplicaNode, ReplicaSet } from "./replica-set.ts";

/** A record that a producer was told to be safe. */
export interface Acknowledged {
  readonly offset: number;
  readonly value: string;
}

const decoder = new TextDecoder();

/** The records of a log in [`from`, `to`), by their offsets. */
export async function recordsOf(log: PartitionLog, from: number, to: number): Promise<Map<number, string>> {
  const records = new Map<number, string>();
  for (let offset = from; offset < to; ) {
    const read = await log.read(offset, { maxBytes: 1_000_000, minOneBatch: true, limit: "logEnd" });
    const before = offset;
    for (const chunk of read.chunks) {
      for (let position = 0; position < chunk.length; position = nextBatchPosition(chunk, position)) {
        const batch = await readRecordBatch(chunk, position);
        for (const record of batch) records.set(record.offset, decoder.decode(record.value ?? new Uint8Array()));
        offset = batch.lastOffset + 1;
      }
    }
    read.release();
    if (offset === before) break;
  }
  for (const offset of records.keys()) if (offset < from || offset >= to) records.delete(offset);
  return records;
}

/** What must hold whatever happens, looked at after every step. */
export class ReplicationInvariants {
  /** What some replica had below its high watermark. It is the same for all, and for ever. */
  readonly #committed = new Map<number, string>();
  readonly #acknowledged: Acknowledged[] = [];
  readonly #highWatermarks = new Map<ReplicaNode, number>();
  readonly #leaders = new Map<number, number>();
  readonly #read: Acknowledged[] = [];

  get acknowledgedCount(): number {
    return this.#acknowledged.length;
  }

  acknowledged(record: Acknowledged): void {
    this.#acknowledged.push(record);
  }

  /** What a consumer has read. */
  consumed(record: Acknowledged): void {
    this.#read.push(record);
  }

  /** A broker has taken an append as leader: there is no other one in its epoch. */
  led(leaderEpoch: number, brokerId: number): void {
    const other = this.#leaders.get(leaderEpoch) ?? brokerId;
    if (other !== brokerId) throw new Error(`brokers ${other} and ${brokerId} both lead epoch ${leaderEpoch}`);
    this.#leaders.set(leaderEpoch, brokerId);
  }

  async check(set: ReplicaSet): Promise<void> {
    for (const node of set.nodes.values()) if (node.isUp) await this.#checkNode(node);
  }

  /** At the end, when all is well again: nothing that was acknowledged or read is missing anywhere. */
  async checkFinally(set: ReplicaSet): Promise<void> {
    await this.check(set);
    for (const node of set.nodes.values()) {
      const { log } = node.partition();
      const records = await recordsOf(log, log.logStartOffset, log.highWatermark);
      for (const { offset, value } of [...this.#acknowledged, ...this.#read]) {
        if (offset < log.logStartOffset || records.get(offset) === value) continue;
        throw new Error(`broker ${node.id} has ${records.get(offset)} at ${offset}, where ${value} was acknowledged`);
      }
    }
  }

  /** A high watermark never goes back in a broker's life, and all replicas agree on what is below it. */
  async #checkNode(node: ReplicaNode): Promise<void> {
    const partition = node.registry.get("orders", 0);
    if (partition === undefined) return;
    const { log } = partition;
    const before = this.#highWatermarks.get(node) ?? 0;
    const { highWatermark } = log;
    if (highWatermark < before)
      throw new Error(`the high watermark of broker ${node.id} went from ${before} to ${highWatermark}`);
    this.#highWatermarks.set(node, highWatermark);
    if (highWatermark === before) return;
    const records = await recordsOf(log, Math.max(before, log.logStartOffset), highWatermark);
    for (const [offset, value] of records) this.#checkCommitted(node, offset, value);
  }

  #checkCommitted({ id }: ReplicaNode, offset: number, value: string): void {
    const known = this.#committed.get(offset);
    if (known !== undefined && known !== value) {
      throw new Error(`broker ${id} has ${value} at ${offset}, below its high watermark, where ${known} was committed`);
    }
    this.#committed.set(offset, value);
  }
}

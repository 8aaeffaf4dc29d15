import type { AssignablePartition } from "../assignor.ts";

interface Movement {
  readonly from: string;
  readonly to: string;
}

/**
 * The moves that one rebalance has made so far, topic by topic. Before a partition moves from A to B, another one of
 * its topic that has moved from B to A is looked for: sending that one back keeps both sides' loads and moves less.
 */
export class PartitionMovements {
  readonly #movements = new Map<AssignablePartition, Movement>();
  /** By topic, from and to: the partitions moved so. */
  readonly #moved = new Map<string, Set<AssignablePartition>>();

  /** The partition to move instead of `partition` from `from` to `to`: itself, or one that goes back. */
  actualPartitionToMove(partition: AssignablePartition, from: string, to: string): AssignablePartition {
    const origin = this.#movements.get(partition)?.from ?? from;
    const [candidate] = this.#moved.get(movementKey(partition, { from: to, to: origin })) ?? [];
    return candidate ?? partition;
  }

  /** Notes a move. Two moves of a partition count as one; one back to where it came from cancels the other. */
  record(partition: AssignablePartition, from: string, to: string): void {
    const earlier = this.#movements.get(partition);
    if (earlier !== undefined) this.#forget(partition, earlier);
    const origin = earlier?.from ?? from;
    if (origin !== to) this.#note(partition, { from: origin, to });
  }

  #note(partition: AssignablePartition, movement: Movement): void {
    this.#movements.set(partition, movement);
    const key = movementKey(partition, movement);
    const moved = this.#moved.get(key);
    if (moved === undefined) this.#moved.set(key, new Set([partition]));
    else moved.add(partition);
  }

  #forget(partition: AssignablePartition, movement: Movement): void {
    this.#movements.delete(partition);
    this.#moved.get(movementKey(partition, movement))?.delete(partition);
  }
}

function movementKey({ topic }: AssignablePartition, { from, to }: Movement): string {
  return JSON.stringify([topic, from, to]);
}

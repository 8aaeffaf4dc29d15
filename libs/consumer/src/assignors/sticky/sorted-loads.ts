import type { AssignablePartition } from "../assignor.ts";
import { compareStrings } from "../order.ts";

/** A member and what it holds as the assignment takes shape. */
export interface Load {
  readonly memberId: string;
  readonly topics: ReadonlySet<string>;
  readonly partitions: Set<AssignablePartition>;
}

/** Loads from the lightest to the heaviest, ties by member id. A load changes only through {@link change}. */
export class SortedLoads {
  #loads: Load[];

  constructor(loads: readonly Load[]) {
    this.#loads = [...loads].sort(compareLoads);
  }

  get size(): number {
    return this.#loads.length;
  }

  get lightest(): Load {
    return this.#loads[0]!;
  }

  get heaviest(): Load {
    return this.#loads[this.#loads.length - 1]!;
  }

  [Symbol.iterator](): IterableIterator<Load> {
    return this.#loads[Symbol.iterator]();
  }

  /** Runs `update`, which adds to or takes from `load.partitions`, and puts the load where it then belongs. */
  change(load: Load, update: (partitions: Set<AssignablePartition>) => void): void {
    this.#loads.splice(this.#positionOf(load), 1);
    update(load.partitions);
    this.#loads.splice(this.#positionOf(load), 0, load);
  }

  /** The position of the first load that does not sort before `load`. */
  #positionOf(load: Load): number {
    let low = 0;
    let high = this.#loads.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareLoads(this.#loads[middle]!, load) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function compareLoads(a: Load, b: Load): number {
  return a.partitions.size - b.partitions.size || compareStrings(a.memberId, b.memberId);
}

import type { Segment } from "./segment.ts";

/** The segments of a log by ascending base offset; the last one is written to. */
export class SegmentList {
  #segments: Segment[];
  #replacements = 0;

  constructor(segments: readonly Segment[]) {
    this.#segments = [...segments];
  }

  get first(): Segment {
    return this.#segments[0]!;
  }

  get active(): Segment {
    return this.#segments[this.#segments.length - 1]!;
  }

  get all(): readonly Segment[] {
    return this.#segments;
  }

  /** Counts {@link replace}: what was read before and after one does not go together. */
  get replacements(): number {
    return this.#replacements;
  }

  get sizeBytes(): number {
    let sizeBytes = 0;
    for (const segment of this.#segments) sizeBytes += segment.sizeBytes;
    return sizeBytes;
  }

  /** Where the segment with this base offset or the one below it stands; -1 when all begin later. */
  floorIndex(offset: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#segments[middle]!.baseOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The segment that holds `offset`, and all after it. */
  from(offset: number): readonly Segment[] {
    return this.#segments.slice(Math.max(0, this.floorIndex(offset)));
  }

  /** The segment after the one that begins at `baseOffset`. */
  after(baseOffset: number): Segment | undefined {
    return this.#segments[this.floorIndex(baseOffset) + 1];
  }

  /** Puts `replacement` in the place of `sources`, which follow each other and begin where it does. */
  replace(sources: readonly Segment[], replacement: Segment): void {
    const at = this.#segments.indexOf(sources[0]!);
    this.#replacements++;
    this.#segments = this.#segments.toSpliced(at, sources.length, replacement);
  }

  add(segment: Segment): void {
    this.#segments.push(segment);
  }

  remove(segments: readonly Segment[]): void {
    this.#segments = this.#segments.filter((segment) => !segments.includes(segment));
  }
}

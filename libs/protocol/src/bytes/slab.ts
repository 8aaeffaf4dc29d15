/** Large enough to spread the cost of an allocation over many messages, small enough to be pinned by one of them. */
const SLAB_SIZE_BYTES = 32 * 1024;

/**
 * A piece of memory for one writer. Making a typed array costs more than encoding a small message,
 * so writers share slabs; a byte of a slab is handed out once and never again, so that what was
 * written stays as it is for as long as anyone holds it.
 */
export interface Region {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

// The allocator's only state: which bytes are still untouched. Nothing about it can be observed from outside.
let slab = /*#__PURE__*/ new Uint8Array(0);
let used = 0;

/** Memory of at least `sizeBytes` that nobody else uses. */
export function allocateRegion(sizeBytes: number): Region {
  if (sizeBytes > SLAB_SIZE_BYTES / 4) return { bytes: new Uint8Array(sizeBytes), start: 0, end: sizeBytes };
  if (used + sizeBytes > slab.length) {
    slab = new Uint8Array(SLAB_SIZE_BYTES);
    used = 0;
  }
  const start = used;
  used += sizeBytes;
  return { bytes: slab, start, end: used };
}

/** Gives back what lies in `region` from `from` on, when nothing was handed out after it. */
export function releaseTail(bytes: Uint8Array, from: number, end: number): void {
  if (bytes === slab && end === used) used = from;
}

import { baseOffsetAt, NO_PRODUCER_ID, producerIdAt } from "@ottla/protocol/internal";
import { ProducerState } from "../producers/producer-state.ts";
import { scanBatches } from "../segments/batch-scanner.ts";
import type { LogState } from "./log-state.ts";

/**
 * Brings the producers' state to `offset`: from the newest usable snapshot, and from the batches after that. It takes
 * effect at once, at the end: readers of committed records must not see a state that knows only some open transactions.
 */
export async function rebuildProducers(state: LogState, offset: number): Promise<void> {
  const { env, segments, snapshots } = state;
  const nowMs = env.runtime.clock.nowMs();
  // What lay between such a snapshot and the first segment is gone, and with it what ended transactions there.
  await snapshots.removeWhere((snapshotOffset) => snapshotOffset < segments.first.baseOffset);
  const snapshot = await snapshots.loadLatest(offset, nowMs);
  const producers = new ProducerState();
  producers.reset(snapshot?.entries);
  // From before the log start too, as far as it is there: a transaction that began below it may end above it.
  await replay(state, producers, snapshot?.offset ?? segments.first.baseOffset, offset);
  producers.highWatermarkMoved(state.highWatermark);
  state.producers.replaceWith(producers);
}

/** Takes the batches in [`fromOffset`, `toOffset`) into account. */
async function replay(
  { env, segments }: LogState,
  producers: ProducerState,
  fromOffset: number,
  toOffset: number,
): Promise<void> {
  if (fromOffset >= toOffset) return;
  const nowMs = env.runtime.clock.nowMs();
  for (const segment of segments.from(fromOffset)) {
    if (segment.baseOffset >= toOffset) break;
    const position = await segment.positionFor(fromOffset);
    await scanBatches(segment.log, env.pool, position, segment.sizeBytes, (bytes, at) => {
      const baseOffset = baseOffsetAt(bytes, at);
      if (baseOffset >= toOffset) return false;
      if (baseOffset >= fromOffset && producerIdAt(bytes, at) > NO_PRODUCER_ID) producers.apply(bytes, at, nowMs);
      return true;
    });
  }
}

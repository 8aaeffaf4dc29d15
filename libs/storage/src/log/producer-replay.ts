import { baseOffsetAt, NO_PRODUCER_ID, producerIdAt } from "@ottla/protocol/internal";
import { scanBatches } from "../segments/batch-scanner.ts";
import type { LogState } from "./log-state.ts";

/** Brings the producers' state to `offset`: from the newest usable snapshot, and from the batches after that. */
export async function rebuildProducers(state: LogState, offset: number): Promise<void> {
  const { env, producers, segments, snapshots } = state;
  const nowMs = env.runtime.clock.nowMs();
  // What lay between such a snapshot and the first segment is gone, and with it what ended transactions there.
  await snapshots.removeWhere((snapshotOffset) => snapshotOffset < segments.first.baseOffset);
  const snapshot = await snapshots.loadLatest(offset, nowMs);
  producers.reset(snapshot?.entries);
  // From before the log start too, as far as it is there: a transaction that began below it may end above it.
  const fromOffset = snapshot?.offset ?? segments.first.baseOffset;
  if (fromOffset >= offset) return;
  for (const segment of segments.from(fromOffset)) {
    if (segment.baseOffset >= offset) break;
    const position = await segment.positionFor(fromOffset);
    await scanBatches(segment.log, env.pool, position, segment.sizeBytes, (bytes, at) => {
      const baseOffset = baseOffsetAt(bytes, at);
      if (baseOffset >= offset) return false;
      if (baseOffset >= fromOffset && producerIdAt(bytes, at) > NO_PRODUCER_ID) producers.apply(bytes, at, nowMs);
      return true;
    });
  }
}

import { array, int16, int32, int64, uint32 } from "../../schema/field.ts";
import { type Infer, message } from "../../schema/message.ts";

/** The producers of a partition at the offset in the snapshot file's name. */
export const producerSnapshot = message(
  { name: "ProducerSnapshot", validVersions: "1" },
  {
    crc: uint32(),
    producerEntries: array({
      producerId: int64(),
      epoch: int16(),
      lastSequence: int32(),
      lastOffset: int64(),
      offsetDelta: int32(),
      timestamp: int64(),
      coordinatorEpoch: int32(),
      currentTxnFirstOffset: int64(),
    }),
  },
);

export interface ProducerSnapshot extends Infer<typeof producerSnapshot> {}

import { ZERO_UUID } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { topicById } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { serializeRecord } from "../records/record-serde.ts";
import { committedImage, NOTHING_REPLAYED, type Replay, replayEntry } from "./replay.ts";

const TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAQ";
const BEGIN: NewMetadataRecord = { type: "BeginTransactionRecord" };
const END: NewMetadataRecord = { type: "EndTransactionRecord" };
const ABORT: NewMetadataRecord = { type: "AbortTransactionRecord", reason: "test" };
const TOPIC: NewMetadataRecord = { type: "TopicRecord", name: "orders", topicId: TOPIC_ID };

function partition(partitionId: number): NewMetadataRecord {
  const replicas = [1];
  const directories = [ZERO_UUID];
  const none = { removingReplicas: [], addingReplicas: [] };
  const state = { leader: 1, leaderEpoch: 0, partitionEpoch: 0, ...none };
  return { type: "PartitionRecord", topicId: TOPIC_ID, partitionId, replicas, isr: replicas, directories, ...state };
}

const NEW_LEADER_EPOCH: NewMetadataRecord = {
  type: "PartitionChangeRecord",
  topicId: TOPIC_ID,
  partitionId: 0,
  leader: 1,
};

/** After one more entry, which holds all of these records. */
function after(replay: Replay, ...records: NewMetadataRecord[]): Replay {
  const baseOffset = replay.image.offset + 1;
  const entry = { baseOffset, endOffset: baseOffset + records.length, epoch: 1, records: records.map(serializeRecord) };
  return replayEntry(replay, entry);
}

function epochsIn(replay: Replay): number[] | undefined {
  return topicById(committedImage(replay), TOPIC_ID)?.partitions.map(({ leaderEpoch }) => leaderEpoch);
}

describe("an entry of the metadata log", () => {
  it("changes no image from before it", () => {
    const first = after(NOTHING_REPLAYED, TOPIC, partition(0));
    const second = after(first, partition(1), NEW_LEADER_EPOCH);
    expect(epochsIn(first)).toEqual([0]);
    expect(epochsIn(second)).toEqual([1, 0]);
  });

  it("may begin, abort and end transactions: what was aborted is as if it had not been", () => {
    const aborted = after(NOTHING_REPLAYED, TOPIC, partition(0), BEGIN, partition(1), NEW_LEADER_EPOCH, ABORT);
    expect(epochsIn(aborted)).toEqual([0]);
    expect(epochsIn(after(aborted, BEGIN, partition(1), NEW_LEADER_EPOCH, END, NEW_LEADER_EPOCH))).toEqual([2, 0]);
  });

  it("shows nothing of a transaction that it begins", () => {
    const open = after(NOTHING_REPLAYED, TOPIC, partition(0), BEGIN, NEW_LEADER_EPOCH);
    expect(epochsIn(open)).toEqual([0]);
    expect(epochsIn(after(open, NEW_LEADER_EPOCH))).toEqual([0]);
    expect(epochsIn(after(open, NEW_LEADER_EPOCH, END))).toEqual([2]);
  });
});

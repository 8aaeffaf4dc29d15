import { INT64_MAX } from "../bytes/int64.ts";
import { apiMessage } from "../schema/api.ts";
import { array, int8, int16, int32, int64, records, string, struct, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Reads record batches from partitions, waiting for them if asked to. Sessions from v7 (KIP-227), topic ids from v13. */
export const fetchRequest = message(
  { name: "FetchRequest", validVersions: "4-18", flexibleVersions: "12+" },
  {
    clusterId: string({ versions: "12+", nullable: "12+", tag: 0, ignorable: true, default: null }),
    replicaId: int32({ versions: "0-14", default: -1 }),
    replicaState: struct(
      { replicaId: int32({ default: -1 }), replicaEpoch: int64({ default: -1 }) },
      { versions: "15+", tag: 1 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 0x7fffffff }),
    isolationLevel: int8({ default: 0 }),
    sessionId: int32({ versions: "7+", ignorable: true, default: 0 }),
    sessionEpoch: int32({ versions: "7+", ignorable: true, default: -1 }),
    topics: array({
      topic: string({ versions: "0-12", ignorable: true }),
      topicId: uuid({ versions: "13+", ignorable: true }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ versions: "9+", ignorable: true, default: -1 }),
        fetchOffset: int64(),
        lastFetchedEpoch: int32({ versions: "12+", default: -1 }),
        logStartOffset: int64({ versions: "5+", ignorable: true, default: -1 }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid({ versions: "17+", tag: 0, ignorable: true }),
        highWatermark: int64({ versions: "18+", tag: 1, ignorable: true, default: INT64_MAX }),
      }),
    }),
    forgottenTopicsData: array(
      {
        topic: string({ versions: "7-12", ignorable: true }),
        topicId: uuid({ versions: "13+", ignorable: true }),
        partitions: array(int32()),
      },
      { versions: "7+" },
    ),
    rackId: string({ versions: "11+", ignorable: true, default: "" }),
  },
);

/** Record batches and the partitions' offsets. */
export const fetchResponse = message(
  { name: "FetchResponse", validVersions: "4-18", flexibleVersions: "12+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16({ versions: "7+", ignorable: true }),
    sessionId: int32({ versions: "7+", default: 0 }),
    responses: array({
      topic: string({ versions: "0-12", ignorable: true }),
      topicId: uuid({ versions: "13+", ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64({ default: -1 }),
        logStartOffset: int64({ versions: "5+", ignorable: true, default: -1 }),
        divergingEpoch: struct(
          { epoch: int32({ default: -1 }), endOffset: int64({ default: -1 }) },
          { versions: "12+", tag: 0 },
        ),
        currentLeader: struct(
          { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }) },
          { versions: "12+", tag: 1 },
        ),
        snapshotId: struct(
          { endOffset: int64({ default: -1 }), epoch: int32({ default: -1 }) },
          { versions: "12+", tag: 2 },
        ),
        abortedTransactions: array({ producerId: int64(), firstOffset: int64() }, { nullable: "4+" }),
        preferredReadReplica: int32({ versions: "11+", default: -1 }),
        records: records({ nullable: "0+" }),
      }),
    }),
    nodeEndpoints: array(
      { nodeId: int32(), host: string(), port: int32(), rack: string({ nullable: "16+", default: null }) },
      { versions: "16+", tag: 0 },
    ),
  },
);

export const fetchApi = apiMessage({
  key: 1,
  name: "Fetch",
  request: fetchRequest,
  response: fetchResponse,
});

export interface FetchRequest extends Infer<typeof fetchRequest> {}
export interface FetchResponse extends Infer<typeof fetchResponse> {}

import {
  ErrorCode,
  type OffsetForLeaderEpochRequest,
  offsetForLeaderEpochApi,
  type ResponseInput,
} from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { PartitionRegistry } from "../partition/partition-registry.ts";
import type { BrokerServices } from "../services/broker-services.ts";

type PartitionQuery = OffsetForLeaderEpochRequest["topics"][number]["partitions"][number];
type PartitionResult = ResponseInput<typeof offsetForLeaderEpochApi>["topics"][number]["partitions"][number];

/** OffsetForLeaderEpoch: where leader epochs end, so that a client can tell whether what it has read was lost (KIP-320). */
export const offsetForLeaderEpochHandler = (broker: BrokerServices) =>
  apiHandler(
    offsetForLeaderEpochApi,
    { minVersion: 2, maxVersion: 4, errorResponse: wholeRequestFailed },
    ({ topics }) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((query) => endOf(broker.partitions, topic, query)),
      })),
    }),
  );

function wholeRequestFailed({ topics }: OffsetForLeaderEpochRequest, { errno }: { readonly errno: number }) {
  const results = topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition }) => ({ partition, errorCode: errno })),
  }));
  return { throttleTimeMs: 0, topics: results };
}

function endOf(partitions: PartitionRegistry, topic: string, query: PartitionQuery): PartitionResult {
  const found = partitions.get(topic, query.partition);
  const errorCode =
    found === undefined
      ? partitions.missingErrno(topic, query.partition)
      : found.checkLeaderEpoch(query.currentLeaderEpoch);
  const base = { partition: query.partition, errorCode };
  if (found === undefined || errorCode !== ErrorCode.NONE) return base;
  // An epoch that is not known is no error: the answer says that nothing is known of it.
  const end = found.log.endOffsetForEpoch(query.leaderEpoch);
  return end === null ? base : { ...base, leaderEpoch: end.leaderEpoch, endOffset: end.endOffset };
}

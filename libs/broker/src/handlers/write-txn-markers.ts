import { type ResponseInput, type WriteTxnMarkersRequest, writeTxnMarkersApi } from "@ottla/protocol";
import { apiHandler, later, type WholeRequestError } from "../api-handler.ts";
import type { MarkerWriter } from "../transactions/marker-writer.ts";

type Marker = WriteTxnMarkersRequest["markers"][number];
type MarkerResult = ResponseInput<typeof writeTxnMarkersApi>["markers"][number];

/**
 * WriteTxnMarkers: a transaction coordinator ends transactions in the partitions led here; an operator's tool ends those
 * that hang. A marker is answered when it is below the high watermark.
 */
export const writeTxnMarkersHandler = (writer: MarkerWriter) =>
  apiHandler(writeTxnMarkersApi, { minVersion: 1, maxVersion: 2, errorResponse: wholeRequestFailed }, ({ markers }) =>
    later(Promise.all(markers.map((marker) => write(writer, marker))).then((results) => ({ markers: results }))),
  );

async function write(writer: MarkerWriter, marker: Marker): Promise<MarkerResult> {
  const { producerId, producerEpoch, coordinatorEpoch, transactionVersion, transactionResult } = marker;
  const outcome = transactionResult ? ("commit" as const) : ("abort" as const);
  const toWrite = { producerId, producerEpoch, coordinatorEpoch, transactionVersion, outcome };
  const topics = marker.topics.map(async ({ name, partitionIndexes }) => ({
    name,
    partitions: await Promise.all(
      partitionIndexes.map(async (partitionIndex) => ({
        partitionIndex,
        errorCode: await writer.write(name, partitionIndex, toWrite),
      })),
    ),
  }));
  return { producerId, topics: await Promise.all(topics) };
}

function wholeRequestFailed({ markers }: WriteTxnMarkersRequest, { errno }: WholeRequestError) {
  return {
    markers: markers.map(({ producerId, topics }) => ({
      producerId,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode: errno })),
      })),
    })),
  };
}

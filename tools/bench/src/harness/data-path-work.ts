import { Producer } from "@ottla/producer";
import {
  type ApiDefinition,
  apiVersionsApi,
  ByteReader,
  decodeRequestHeader,
  encodeRecordBatch,
  encodeRequest,
  encodeResponse,
  fetchApi,
  initProducerIdApi,
  metadataApi,
  produceApi,
} from "@ottla/protocol";
import { requestHeaderVersionOf } from "@ottla/protocol/internal";
import { createMemoryDisk } from "@ottla/runtime";
import type { PartitionLog } from "@ottla/storage";
import { type ByteChannel, createMemoryPair, FrameDecoder, SIZE_PREFIX_BYTES } from "@ottla/transport";
import { maskedMessage } from "@ottla/transport/node";
import { RECORD_KEY } from "../clients/bench-client.ts";
import { openLog, openLogs } from "../storage/temporary-log.ts";
import type { GuardedWork } from "./guard.ts";

const TOPIC = "guarded";
const RECORDS_PER_BATCH = 100;
const SOCKET_CHUNK_BYTES = 64 * 1024;
const MAX_FRAME_BYTES = 1024 * 1024;
/** The log is emptied after so many appends: it lies in memory. */
const APPENDS_MAX = 256;
const PRODUCE_VERSION = 9;
const FETCH_VERSION = 12;
const NOWHERE = { host: "nowhere", port: 9092 };

/** What the data path does with what comes and goes: each step by itself, as the broker and the clients take it. */
export async function dataPathWork(values: readonly string[]): Promise<GuardedWork[]> {
  const records = values.slice(0, RECORDS_PER_BATCH).map((value) => ({ key: RECORD_KEY, value }));
  const request = Buffer.concat(produceRequest(encodeRecordBatch({ records })));
  const [appended, read] = [await logInMemory(), await logInMemory()];
  await append(read, request.subarray(SIZE_PREFIX_BYTES));
  read.setHighWatermark(read.logEndOffset);
  const producer = producerToNowhere();
  const array = values.map((value) => ({ topic: TOPIC, key: RECORD_KEY, value }));
  const key = Uint8Array.of(1, 2, 3, 4);
  return [
    { name: "frames of chunks of a socket", reference: "objects", run: framesOf(request) },
    { name: "Produce request, decoded and appended", reference: "objects", run: appending(appended, request) },
    { name: "Fetch response, read at the tail and encoded", reference: "objects", run: () => fetchResponse(read) },
    // Without the native one, which not every machine has.
    {
      name: "WebSocket frame, masked",
      run: () => maskedMessage([request], request.length, key, null),
    },
    { name: "array of 1,000 records, sent to nowhere", reference: "objects", run: () => producer.send(array) },
  ];
}

/** With memory of its own for its tail: nobody else's appends end it. */
async function logInMemory(): Promise<PartitionLog> {
  return openLog(await openLogs("/", { disk: createMemoryDisk() }));
}

function produceRequest(batch: Uint8Array): Uint8Array[] {
  const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records: batch }] }];
  const body = { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData };
  return encodeRequest(produceApi, PRODUCE_VERSION, { correlationId: 1, clientId: "guard" }, body);
}

/** Requests one after the other, in chunks that know nothing of them. */
function framesOf(request: Uint8Array): () => number {
  const stream = Buffer.concat(Array.from({ length: SOCKET_CHUNK_BYTES / 1024 }, () => request));
  const room = new Uint8Array(MAX_FRAME_BYTES);
  const memory = (_before: Uint8Array, sizeBytes: number) => room.subarray(0, sizeBytes);
  return () => {
    const decoder = new FrameDecoder({ maxFrameBytes: MAX_FRAME_BYTES, memory });
    let frames = 0;
    for (let start = 0; start < stream.length; start += SOCKET_CHUNK_BYTES) {
      decoder.push(stream.subarray(start, start + SOCKET_CHUNK_BYTES), () => frames++);
    }
    return frames;
  };
}

function appending(log: PartitionLog, request: Uint8Array): () => Promise<void> {
  const frame = request.subarray(SIZE_PREFIX_BYTES);
  let appends = 0;
  return async () => {
    await append(log, frame);
    if (++appends % APPENDS_MAX === 0) await log.truncateFullyAndStartAt(0);
  };
}

async function append(log: PartitionLog, frame: Uint8Array): Promise<void> {
  const { header, body } = decodeRequestHeader(frame, requestHeaderVersionOf);
  const { topicData } = produceApi.request.decode(new ByteReader(frame, body.offset), header.requestApiVersion);
  const { records } = topicData[0]!.partitionData[0]!;
  await log.appendAsLeader(records!, { leaderEpoch: 0, origin: "client" }).written;
}

async function fetchResponse(log: PartitionLog): Promise<number> {
  const read = await log.read(0, { maxBytes: MAX_FRAME_BYTES, minOneBatch: true, limit: "highWatermark" });
  const { highWatermark, lastStableOffset, logStartOffset, chunks } = read;
  const offsets = { highWatermark, lastStableOffset, logStartOffset };
  const partitions = [{ partitionIndex: 0, errorCode: 0, ...offsets, abortedTransactions: null, records: chunks }];
  const responses = [{ topic: TOPIC, partitions }];
  const sent = encodeResponse(fetchApi, FETCH_VERSION, 1, { throttleTimeMs: 0, errorCode: 0, sessionId: 0, responses });
  read.release();
  return sent.length;
}

/** A producer whose broker takes everything and looks at nothing. */
function producerToNowhere(): Producer {
  const connect = async () => {
    const [client, server] = createMemoryPair();
    answerAll(server);
    return client;
  };
  return new Producer({ bootstrapServers: `${NOWHERE.host}:${NOWHERE.port}`, connector: { connect } });
}

/** What it answers, by API, to each request of that API. */
const ANSWERS = [
  {
    api: apiVersionsApi,
    body: {
      errorCode: 0,
      apiKeys: [apiVersionsApi, metadataApi, initProducerIdApi, produceApi].map(({ key: apiKey }) => {
        const maxVersion = apiKey === metadataApi.key || apiKey === produceApi.key ? PRODUCE_VERSION : 3;
        return { apiKey, minVersion: 3, maxVersion };
      }),
    },
  },
  {
    api: metadataApi,
    body: {
      brokers: [{ nodeId: 1, ...NOWHERE }],
      controllerId: 1,
      topics: [
        {
          errorCode: 0,
          name: TOPIC,
          partitions: [{ errorCode: 0, partitionIndex: 0, leaderId: 1, replicaNodes: [1], isrNodes: [1] }],
        },
      ],
    },
  },
  { api: initProducerIdApi, body: { errorCode: 0, producerId: 1, producerEpoch: 0 } },
  {
    api: produceApi,
    body: { responses: [{ name: TOPIC, partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 0 }] }] },
  },
] as const;

function answerAll(channel: ByteChannel): void {
  const decoder = new FrameDecoder({ maxFrameBytes: MAX_FRAME_BYTES });
  const answer = (frame: Uint8Array) => {
    const { requestApiKey, requestApiVersion, correlationId } = decodeRequestHeader(
      frame,
      requestHeaderVersionOf,
    ).header;
    const { api, body } = ANSWERS.find(({ api }) => api.key === requestApiKey)!;
    channel.write(encodeResponse(api as ApiDefinition, requestApiVersion, correlationId, body as never));
  };
  channel.start({ onData: (chunk) => decoder.push(chunk, answer), onDrain() {}, onClose() {} });
}

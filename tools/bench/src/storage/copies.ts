import { Admin } from "@ottla/admin";
import { type RunningBroker, startBroker } from "@ottla/broker-app";
import { DEFAULT_SETTINGS } from "../clients/bench-client.ts";
import type { ClientKind } from "../clients/protocol.ts";
import type { Contestant, Row } from "../harness/scenario.ts";
import { ClientProcess } from "../processes/client-process.ts";
import { CodecCalls } from "./codec-calls.ts";
import { CopiedBytes } from "./copied-bytes.ts";
import { removeDirectory, temporaryDirectory } from "./temporary-log.ts";

const TOPIC = "copied";
const COMPRESSED_TOPIC = "compressed";
const RECORDS_PER_CALL = 1_000;
const CALLS = 100;
const RECORD_BYTES = 100;
/** What a record takes in a batch beside its key and value. */
const RECORD_OVERHEAD_BYTES = 7;
const BYTES = CALLS * RECORDS_PER_CALL * (RECORD_BYTES + RECORD_OVERHEAD_BYTES);

/** The system's own copy, from the socket or to it: nobody gets by with less. */
const systemCopy: Contestant = { name: "the system's own copy, from or to the socket", measure: () => ({ figure: 1 }) };

/** A broker in this process, whose copies are counted, with clients in others. */
class CountedBroker {
  readonly #directory = temporaryDirectory();
  #broker: RunningBroker | null = null;

  async start(): Promise<RunningBroker> {
    if (this.#broker !== null) return this.#broker;
    this.#broker = await startBroker({ port: 0, dataDirectory: this.#directory });
    await using admin = new Admin({ bootstrapServers: this.#broker.bootstrapServers });
    await admin.createTopics([{ name: TOPIC, partitions: 1 }]);
    return this.#broker;
  }

  /** Copies per byte of payload while the client does what it is asked, the system's own copy included. */
  async copiesPerByte(kind: ClientKind, task: "produceBatches" | "consume"): Promise<number> {
    const broker = await this.start();
    const client = await ClientProcess.start(kind, broker.bootstrapServers, DEFAULT_SETTINGS);
    const copied = new CopiedBytes();
    copied.start();
    await client.ask(
      task === "consume"
        ? { kind: task, topic: TOPIC, partitions: 1, records: CALLS * RECORDS_PER_CALL, recordBytes: RECORD_BYTES }
        : {
            kind: task,
            topics: [TOPIC],
            calls: CALLS,
            recordsPerCall: RECORDS_PER_CALL,
            callsInFlight: 5,
            recordBytes: RECORD_BYTES,
          },
    );
    copied.stop();
    await client.close();
    return 1 + copied.count / BYTES;
  }

  /** How often the broker decoded, decompressed or compressed a batch, for each call of a producer that compresses. */
  async codecCalls(kind: ClientKind): Promise<number> {
    const broker = await this.start();
    const client = await ClientProcess.start(kind, broker.bootstrapServers, {
      ...DEFAULT_SETTINGS,
      compression: "lz4",
    });
    const codecs = new CodecCalls();
    const topic = COMPRESSED_TOPIC;
    await using admin = new Admin({ bootstrapServers: broker.bootstrapServers });
    await admin.createTopics([{ name: topic, partitions: 1 }]);
    const produce = (calls: number) =>
      client.ask({
        kind: "produceBatches",
        topics: [topic],
        calls,
        recordsPerCall: RECORDS_PER_CALL,
        callsInFlight: 5,
        recordBytes: RECORD_BYTES,
      });
    // The first one takes a block of producer ids, which is a record of the cluster's metadata, and no client's.
    await produce(1);
    codecs.start();
    await produce(CALLS);
    const records = CALLS * RECORDS_PER_CALL;
    await client.ask({ kind: "consume", topic, partitions: 1, records, recordBytes: RECORD_BYTES });
    codecs.stop();
    await client.close();
    await admin.deleteTopics([topic]);
    return codecs.count / CALLS;
  }

  async close(): Promise<void> {
    await this.#broker?.close();
    removeDirectory(this.#directory);
  }
}

export function* copyRows(): Iterable<Row> {
  const counted = new CountedBroker();
  const contestant = (name: string, task: "produceBatches" | "consume"): Contestant => ({
    name,
    measure: async () => ({ figure: await counted.copiesPerByte("ottla", task) }),
    ...(task === "consume" && { close: () => counted.close() }),
  });
  const row = { unit: "copies per byte", better: "less", baseline: systemCopy.name, repetitions: 3 } as const;
  yield {
    ...row,
    name: "copies on the produce path",
    contestants: [systemCopy, contestant("ottla broker", "produceBatches")],
  };
  yield {
    ...row,
    name: "copies on the tail fetch path",
    contestants: [systemCopy, contestant("ottla broker", "consume")],
  };
  yield codecRow();
}

/** Once is what Kafka's own broker does to every compressed batch that it is sent. */
function codecRow(): Row {
  const counted = new CountedBroker();
  const once: Contestant = { name: "a look at each batch", measure: () => ({ figure: 1 }) };
  const ottla: Contestant = {
    name: "ottla broker",
    async measure() {
      return { figure: await counted.codecCalls("ottla") };
    },
    close: () => counted.close(),
  };
  return {
    name: "decodes, decompressions and compressions by the broker, lz4 batches produced and consumed",
    unit: "per call of the producer",
    better: "less",
    baseline: once.name,
    repetitions: 3,
    contestants: [once, ottla],
  };
}

import { Admin } from "@ottla/admin";
import { type CompressionType, Producer } from "@ottla/producer";
import { RECORD_KEY, recordValues } from "../clients/bench-client.ts";
import type { BenchBroker } from "./broker.ts";

const RECORDS_PER_CALL = 10_000;

export async function createTopic(
  broker: Pick<BenchBroker, "port">,
  name: string,
  partitions: number,
): Promise<string> {
  await using admin = new Admin({ bootstrapServers: `127.0.0.1:${broker.port}` });
  await admin.createTopics([{ name, partitions }]);
  return name;
}

export interface Filling {
  /** Key and value of a record; 100 by default. */
  readonly recordBytes?: number;
  readonly compression?: CompressionType;
}

/** A topic with so many records in it, spread over its partitions. */
export async function fillTopic(
  broker: BenchBroker,
  name: string,
  partitions: number,
  records: number,
  { recordBytes = 100, compression = "none" }: Filling = {},
): Promise<string> {
  await createTopic(broker, name, partitions);
  await using producer = new Producer({ bootstrapServers: `127.0.0.1:${broker.port}`, compression });
  const values = recordValues(recordBytes);
  const perCall = Math.min(RECORDS_PER_CALL, Math.ceil(records / partitions));
  for (let sent = 0; sent < records; sent += perCall) {
    const count = Math.min(perCall, records - sent);
    const partition = (sent / perCall) % partitions;
    await producer.send(
      Array.from({ length: count }, (_, i) => ({
        topic: name,
        key: RECORD_KEY,
        value: values[i % values.length]!,
        partition,
      })),
    );
  }
  return name;
}

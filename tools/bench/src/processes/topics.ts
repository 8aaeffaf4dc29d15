import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { RECORD_KEY, RECORD_VALUE } from "../clients/bench-client.ts";
import type { BrokerUnderTest } from "./broker.ts";

const RECORDS_PER_CALL = 10_000;

export async function createTopic(
  broker: Pick<BrokerUnderTest, "port">,
  name: string,
  partitions: number,
): Promise<string> {
  await using admin = new Admin({ bootstrapServers: `127.0.0.1:${broker.port}` });
  await admin.createTopics([{ name, partitions }]);
  return name;
}

/** A topic with so many 100-byte records in it, spread over its partitions. */
export async function fillTopic(broker: BrokerUnderTest, name: string, partitions: number, records: number) {
  await createTopic(broker, name, partitions);
  await using producer = new Producer({ bootstrapServers: `127.0.0.1:${broker.port}` });
  for (let sent = 0; sent < records; sent += RECORDS_PER_CALL) {
    const count = Math.min(RECORDS_PER_CALL, records - sent);
    const partition = (sent / RECORDS_PER_CALL) % partitions;
    await producer.send(
      Array.from({ length: count }, () => ({ topic: name, key: RECORD_KEY, value: RECORD_VALUE, partition })),
    );
  }
  return name;
}

import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { until } from "./until.ts";

/**
 * The values that readers of committed records see, to the end of the log: a transaction that hangs would hold them
 * back, and this fails.
 */
export async function readCommitted(
  bootstrapServers: string,
  from: { readonly topic: string; readonly partition: number },
): Promise<string[]> {
  await using consumer = new Consumer({
    bootstrapServers,
    isolationLevel: "read_committed",
    autoOffsetReset: "earliest",
  });
  consumer.assign([from]);
  await using admin = new Admin({ bootstrapServers });
  const offsets = await admin.listOffsets([{ ...from, spec: "latest" }]);
  const values: string[] = [];
  const reading = (async () => {
    for await (const record of consumer) values.push(String(record.value));
  })();
  await until("read to the end of the log", async () => (await consumer.position(from)) >= offsets[0]!.offset);
  await consumer.close();
  await reading;
  return values;
}

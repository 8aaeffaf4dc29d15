import { Admin } from "@ottla/admin";
import { type RunningBroker, startBroker } from "@ottla/broker-app";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kafkaClassPath } from "../harness/external.ts";
import { JavaTools } from "../harness/java-tools.ts";

const QUOTA_BYTES_PER_SECOND = 400_000;
const RECORD_BYTES = 1_000;
const RECORDS = 6_000;
/** What the windows let through at once, and a window more. */
const BURST_SECONDS = 11;

/** Apache Kafka's own producer at a client's quota: it is told to wait, says so, and gets everything through. */
describe.skipIf(kafkaClassPath === null)("a Java producer above its quota", () => {
  let broker: RunningBroker;
  let tools: JavaTools;

  beforeAll(async () => {
    broker = await startBroker({ port: 0, memory: true });
    tools = JavaTools.start(kafkaClassPath);
    await using admin = new Admin({ bootstrapServers: `localhost:${broker.port}` });
    await admin.createTopics([{ name: "bounded", partitions: 1 }]);
    const quotas = { producer_byte_rate: QUOTA_BYTES_PER_SECOND };
    await admin.alterClientQuotas([{ entity: { clientId: "slow" }, quotas }]);
    expect(await admin.describeClientQuotas({ filter: [{ type: "clientId", name: "slow" }] })).toEqual([
      { entity: { clientId: "slow" }, quotas },
    ]);
  });
  afterAll(async () => {
    tools?.stop();
    await broker?.close();
  });

  async function produceAs(clientId: string) {
    const { code, stdout, stderr } = await tools.run("org.apache.kafka.tools.ProducerPerformance", [
      ...["--topic", "bounded", "--num-records", String(RECORDS), "--record-size", String(RECORD_BYTES)],
      ...["--throughput", "-1", "--print-metrics", "--producer-props"],
      ...[`bootstrap.servers=localhost:${broker.port}`, `client.id=${clientId}`, "acks=all"],
    ]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const recordsPerSecond = Number(/records sent, ([\d.]+) records\/sec[^\n]*99\.9th/.exec(stdout)?.[1]);
    const maxWaitMs = Number(/produce-throttle-time-max:\{client-id=[^}]*\}\s*:\s*([\d.]+)/.exec(stdout)?.[1]);
    return { seconds: RECORDS / recordsPerSecond, maxWaitMs };
  }

  it("takes as long as its quota asks for, and another client does not", async () => {
    const slow = await produceAs("slow");
    expect(slow.maxWaitMs).toBeGreaterThan(0);
    expect(RECORDS * RECORD_BYTES).toBeLessThan(QUOTA_BYTES_PER_SECOND * (slow.seconds + BURST_SECONDS));
    const fast = await produceAs("fast");
    expect(fast.maxWaitMs).toBe(0);
    expect(fast.seconds).toBeLessThan(slow.seconds);
  });
});

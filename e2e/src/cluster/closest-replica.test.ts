import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClusterProcesses } from "../harness/cluster-processes.ts";
import { kafkaClassPath, zooKeeperClassPath } from "../harness/external.ts";
import { JavaTools } from "../harness/java-tools.ts";

const SELECTOR = "org.apache.kafka.common.replica.RackAwareReplicaSelector";
const RECORDS = 200;
const SIZE_BYTES = 1_000;
const absent = kafkaClassPath === null || zooKeeperClassPath === null;

describe.skipIf(absent)("a Java consumer with client.rack (KIP-392)", { timeout: 60_000 }, () => {
  let cluster: ClusterProcesses;
  let tools: JavaTools;

  beforeAll(async () => {
    cluster = await ClusterProcesses.start({ racks: true, set: [`replica.selector.class=${SELECTOR}`] });
    tools = JavaTools.start(kafkaClassPath);
    await using admin = new Admin({ bootstrapServers: cluster.bootstrapServers });
    await admin.createTopics([{ name: "orders", assignments: [[1, 2, 3]] }]);
    await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers, acks: "all" });
    const value = "x".repeat(SIZE_BYTES);
    await producer.send(Array.from({ length: RECORDS }, () => ({ topic: "orders", value })));
  }, 60_000);
  afterAll(async () => {
    tools?.stop();
    await cluster?.stop();
  });

  /** What consumers have read of the topic on a broker. */
  async function bytesOut(brokerId: number): Promise<number> {
    const page = await (await fetch(`http://localhost:${cluster.portOf(brokerId)}/metrics`)).text();
    const sample = /^kafka_server_brokertopicmetrics_bytesout_total\{[^}]*topic="orders"[^}]*\} (\d+)$/m.exec(page);
    return Number(sample?.[1] ?? 0);
  }

  it("reads all from the replica in its rack", async () => {
    const { code, stdout } = await tools.run("org.apache.kafka.tools.consumer.ConsoleConsumer", [
      ...["--bootstrap-server", cluster.bootstrapServers, "--topic", "orders", "--partition", "0", "--from-beginning"],
      ...["--max-messages", String(RECORDS), "--consumer-property", "client.rack=rack-3"],
    ]);
    expect(code).toBe(0);
    expect(stdout.match(/^x+$/gm)).toHaveLength(RECORDS);
    expect(await bytesOut(3)).toBeGreaterThan(RECORDS * SIZE_BYTES);
    expect([await bytesOut(1), await bytesOut(2)]).toEqual([0, 0]);
  });
});

import { Admin } from "@ottla/admin";
import { type RunningBroker, startBroker } from "@ottla/broker-app";
import { Producer } from "@ottla/producer";
import { decodeResponse, encodeRequest, metadataApi } from "@ottla/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RawConnection, TCP } from "../fuzz/carriers.ts";
import { clientTargets, type RunningTarget } from "../harness/client-targets.ts";
import { kafkaClassPath } from "../harness/external.ts";
import { JavaTools } from "../harness/java-tools.ts";

const QUOTA_BYTES_PER_SECOND = 400_000;
const RECORD_BYTES = 1_000;
const RECORDS = 6_000;
/** What the windows let through at once, and a window more. */
const BURST_SECONDS = 11;

/** A client that sends whatever it is told: the time of one thread that it may take up is bounded (KIP-124). */
describe("a client above its request_percentage", () => {
  let broker: RunningBroker;
  beforeAll(async () => {
    broker = await startBroker({ port: 0, memory: true });
    await using admin = new Admin({ bootstrapServers: `localhost:${broker.port}` });
    await admin.alterClientQuotas([{ entity: { clientId: "busy" }, quotas: { request_percentage: 0.01 } }]);
  });
  afterAll(() => broker?.close());

  const ask = async (connection: RawConnection, clientId: string) => {
    const before = connection.frames.length;
    connection.send(encodeRequest(metadataApi, 12, { correlationId: before, clientId }, { topics: null }));
    while (connection.frames.length === before) await connection.changed(1_000);
    return decodeResponse(metadataApi, 12, connection.frames[before]!).throttleTimeMs;
  };
  const waitOf = async (clientId: string) => {
    const answer = await fetch(`http://localhost:${broker.port}/console/connections`);
    const { connections } = (await answer.json()) as { connections: { clientId: string; throttledForMs: number }[] };
    return connections.find((each) => each.clientId === clientId)!.throttledForMs;
  };

  it("is told to wait for a window at most, and not read from until then; another client is", async () => {
    const [busy, other] = [await TCP.open(broker.port), await TCP.open(broker.port)];
    let [askedAtMs, throttleTimeMs] = [0, 0];
    for (let asked = 0; throttleTimeMs === 0; asked++) {
      expect(asked).toBeLessThan(10_000);
      askedAtMs = performance.now();
      throttleTimeMs = await ask(busy, "busy");
    }
    expect(throttleTimeMs).toBeLessThanOrEqual(1_000);
    const next = ask(busy, "busy").then(() => performance.now() - askedAtMs);
    for (let asked = 0; asked < 20; asked++) expect(await ask(other, "other")).toBe(0);
    expect(await waitOf("other")).toBe(0);
    expect(Math.ceil(await next)).toBeGreaterThanOrEqual(throttleTimeMs);
    busy.destroy();
    other.destroy();
  });

  it("waits by itself where it is an SDK of ours: no request is sent that would only lie there", async () => {
    await using producer = new Producer({ bootstrapServers: broker.bootstrapServers, clientId: "busy" });
    for (let sent = 0; producer.metrics().produceThrottleTimeMaxMs === 0; sent++) {
      expect(sent).toBeLessThan(10_000);
      await producer.send({ topic: "busy", value: "v" });
    }
    expect(producer.metrics().produceThrottleTimeMaxMs).toBeLessThanOrEqual(1_000);
    expect(producer.metrics().produceThrottleTimeAvgMs).toBeGreaterThan(0);
  });
});

/** Apache Kafka's own producer at a client's quota: it is told to wait, says so, and gets everything through. */
describe.skipIf(kafkaClassPath === null).each(clientTargets)("a Java producer above its quota, on $name", (target) => {
  let running: RunningTarget;
  let tools: JavaTools;

  beforeAll(async () => {
    running = await target.start();
    tools = JavaTools.start(kafkaClassPath);
    await using admin = new Admin({ bootstrapServers: running.bootstrapServers });
    await admin.createTopics([{ name: "bounded", partitions: 1 }]);
    const quotas = { producer_byte_rate: QUOTA_BYTES_PER_SECOND };
    await admin.alterClientQuotas([{ entity: { clientId: "slow" }, quotas }]);
    expect(await admin.describeClientQuotas({ filter: [{ type: "clientId", name: "slow" }] })).toEqual([
      { entity: { clientId: "slow" }, quotas },
    ]);
  }, 60_000);
  afterAll(async () => {
    tools?.stop();
    await running?.stop();
  });

  async function produceAs(clientId: string) {
    const { code, stdout, stderr } = await tools.run("org.apache.kafka.tools.ProducerPerformance", [
      ...["--topic", "bounded", "--num-records", String(RECORDS), "--record-size", String(RECORD_BYTES)],
      ...["--throughput", "-1", "--print-metrics", "--producer-props"],
      ...[`bootstrap.servers=${running.bootstrapServers}`, `client.id=${clientId}`, "acks=all"],
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

import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientTargets, type RunningTarget } from "../harness/client-targets.ts";
import { kafkaClassPath } from "../harness/external.ts";
import { kafkaTool } from "../harness/java.ts";
import { JavaTools } from "../harness/java-tools.ts";

const PARTITIONS = 4;
const RECORDS = 200;

describe.skipIf(kafkaClassPath === null).each(clientTargets)(
  "Kafka's own group tools on $name",
  { timeout: 120_000 },
  ({ start }) => {
    let broker: RunningTarget;
    let tools: JavaTools;

    beforeAll(async () => {
      broker = await start();
      tools = JavaTools.start(kafkaClassPath);
    });
    afterAll(async () => {
      tools?.stop();
      await broker?.stop();
    });

    async function fill(topic: string): Promise<void> {
      const { bootstrapServers } = broker;
      await using admin = new Admin({ bootstrapServers });
      await admin.createTopics([{ name: topic, partitions: PARTITIONS }]);
      await using producer = new Producer({ bootstrapServers });
      const records = Array.from({ length: RECORDS }, (_, i) => ({
        topic,
        partition: i % PARTITIONS,
        value: `value ${i}`,
      }));
      await Promise.all(records.map((record) => producer.send(record)));
    }

    const verifiableConsumer = (groupId: string, topic: string, protocol: string, maxMessages: number) =>
      kafkaTool("org.apache.kafka.tools.VerifiableConsumer", [
        ...["--bootstrap-server", broker.bootstrapServers, "--topic", topic, "--group-id", groupId],
        ...["--group-protocol", protocol, "--reset-policy", "earliest", "--max-messages", String(maxMessages)],
      ]);

    const groups = async (...args: string[]) => {
      const result = await tools.run("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", [
        ...["--bootstrap-server", broker.bootstrapServers, ...args],
      ]);
      return { ...result, lines: result.stdout.split("\n").filter((line) => line.trim() !== "") };
    };

    for (const protocol of ["classic", "consumer"]) {
      it(`VerifiableConsumer and ConsumerGroupCommand, ${protocol} protocol`, async () => {
        const group = `java-${protocol}`;
        const topic = `verified-${protocol}`;
        await fill(topic);
        const consuming = verifiableConsumer(group, topic, protocol, RECORDS + 1);
        await expect
          .poll(async () => (await committed(group)).size, { timeout: 40_000, interval: 500 })
          .toBe(PARTITIONS);

        const listed = await groups("--list", "--type", "--state");
        expect(listed.stdout).toMatch(new RegExp(`${group}\\s+${protocol}\\s+stable`, "i"));
        const members = await groups("--describe", "--group", group, "--members", "--verbose");
        expect(members.stdout, members.stderr).toMatch(new RegExp(`${topic}.*0,1,2,3`));
        const state = await groups("--describe", "--group", group, "--state");
        expect(state.stdout, state.stderr).toMatch(/Stable\s+1/);

        // One more record lets it reach its number and leave.
        await using producer = new Producer({ bootstrapServers: broker.bootstrapServers });
        await producer.send({ topic: topic, partition: 0, value: "the last" });
        const consumed = await consuming;
        const events = consumed.stdout.split("\n").filter((line) => line.startsWith("{"));
        const counted = events
          .map((line) => JSON.parse(line) as { name: string; count?: number })
          .filter(({ name }) => name === "records_consumed")
          .reduce((sum, { count = 0 }) => sum + count, 0);
        expect(counted, consumed.stderr).toBeGreaterThanOrEqual(RECORDS + 1);

        const offsets = await groups("--describe", "--group", group, "--offsets");
        expect(offsets.lines.filter((line) => line.includes(topic))).toHaveLength(PARTITIONS);
        const reset = await groups(
          ...["--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--execute"],
        );
        expect(reset.code, reset.stderr).toBe(0);
        expect([...(await committed(group)).values()]).toEqual(Array(PARTITIONS).fill(0));
        const removed = await groups("--delete-offsets", "--group", group, "--topic", `${topic}:1`);
        expect(removed.stdout, removed.stderr).toMatch(/Successful/);
        expect((await committed(group)).size).toBe(PARTITIONS - 1);
        const deleted = await groups("--delete", "--group", group);
        expect(deleted.stdout, deleted.stderr).toMatch(/was successful/);
        expect((await groups("--list")).stdout).not.toContain(group);
      });
    }

    async function committed(group: string): Promise<Map<number, number>> {
      await using admin = new Admin({ bootstrapServers: broker.bootstrapServers });
      const offsets = await admin.listGroupOffsets(group).catch(() => []);
      return new Map(offsets.map(({ partition, offset }) => [partition, offset]));
    }
  },
);

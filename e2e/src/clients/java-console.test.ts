import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { kafkaClassPath } from "../harness/external.ts";
import { kafkaTool } from "../harness/java.ts";

describe.skipIf(kafkaClassPath === null)("the Java console producer and consumer", () => {
  let broker: BrokerProcess;

  beforeAll(async () => {
    broker = await BrokerProcess.start({ args: ["--set", "num.partitions=2"] });
  });
  afterAll(() => broker?.stop());

  for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
    it(`round trip with ${codec}, idempotent as by default, in a group`, async () => {
      const topic = `java-${codec}`;
      const lines = Array.from({ length: 300 }, (_, i) => `k${i}=${"value ".repeat(10)}${i}`);
      const producerArgs = [
        "--bootstrap-server",
        broker.bootstrapServers,
        "--topic",
        topic,
        "--compression-codec",
        codec,
      ];
      const keyArgs = ["--reader-property", "parse.key=true", "--reader-property", "key.separator=="];
      const produced = await kafkaTool("org.apache.kafka.tools.ConsoleProducer", [...producerArgs, ...keyArgs], {
        input: `${lines.join("\n")}\n`,
      });
      expect(produced.code, produced.stderr).toBe(0);
      const consumed = await kafkaTool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
        ...["--bootstrap-server", broker.bootstrapServers, "--topic", topic, "--from-beginning"],
        ...["--group", `java-group-${codec}`, "--max-messages", String(lines.length), "--timeout-ms", "30000"],
        ...["--formatter-property", "print.key=true", "--formatter-property", "key.separator=="],
      ]);
      expect(consumed.stdout.trim().split("\n").sort(), consumed.stderr).toEqual([...lines].sort());
    });
  }
});

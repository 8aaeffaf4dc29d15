import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Admin } from "@ottla/admin";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { external } from "../harness/external.ts";
import { readCommitted } from "../harness/read-committed.ts";
import { until } from "../harness/until.ts";

const KILLS = process.env.OTTLA_TEST_DEEP ? 40 : 5;
const TRANSACTIONS = KILLS * 60;
const TOPIC = "pairs";

describe.skipIf(external.librdkafka === null)(
  `transactions across ${KILLS} times kill -9`,
  { concurrent: true },
  () => {
    let dataDirectory: string;
    let broker: BrokerProcess;

    beforeAll(async () => {
      dataDirectory = await mkdtemp(join(tmpdir(), "ottla-kill-transactions-"));
      broker = await BrokerProcess.start({ dataDirectory });
      await using admin = new Admin({ bootstrapServers: broker.bootstrapServers });
      await admin.createTopics([{ name: TOPIC, partitions: 2 }]);
    });
    afterAll(async () => {
      await broker?.stop();
      await rm(dataDirectory, { recursive: true, force: true });
    });

    it("none acknowledged is lost, none aborted is seen, each is whole, and none hangs", {
      timeout: 60_000 + KILLS * 15_000,
    }, async () => {
      const script = new URL("../harness/librdkafka_pairs.py", import.meta.url).pathname;
      const env = { ...process.env, PYTHONPATH: external.librdkafka! };
      const writer = spawn("python3", [script, broker.bootstrapServers, TOPIC, String(TRANSACTIONS)], { env });
      const output: string[] = [];
      const trouble: string[] = [];
      writer.stdout.on("data", (chunk) => output.push(String(chunk)));
      writer.stderr.on("data", (chunk) => trouble.push(String(chunk)));
      const exited = once(writer, "exit");
      for (let kill = 0; kill < KILLS && writer.exitCode === null; kill++) {
        const linesBefore = output.length;
        await until("transactions go on", async () => writer.exitCode !== null || output.length > linesBefore + 20);
        await sleep(kill * 7);
        broker.child.kill("SIGKILL");
        await once(broker.child, "exit");
        broker = await BrokerProcess.start({ dataDirectory, port: broker.port });
      }
      const [exitCode] = await exited;
      expect(exitCode, trouble.join("")).toBe(0);

      const ended = output.join("").trim().split("\n");
      const ids = (how: string) => ended.filter((line) => line.startsWith(how)).map((line) => line.split(" ")[1]!);
      const [first, second] = [
        await readCommitted(broker.bootstrapServers, { topic: TOPIC, partition: 0 }),
        await readCommitted(broker.bootstrapServers, { topic: TOPIC, partition: 1 }),
      ];
      expect(ended).toHaveLength(TRANSACTIONS);
      expect(ids("aborted").length).toBeGreaterThan(0);
      expect(first).toEqual(ids("committed"));
      expect(second).toEqual(first);
    });
  },
);

import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { clientTargets, type RunningTarget } from "../harness/client-targets.ts";
import { external, kafkaAppsClassPath } from "../harness/external.ts";
import { SMALL_JVM } from "../harness/java.ts";
import { LongRunning } from "../harness/long-running.ts";
import { propertiesText } from "../harness/properties.ts";
import { itIsDissected } from "../harness/tshark.ts";
import { twice } from "../harness/twice.ts";
import { until } from "../harness/until.ts";

const LINES = 200;
const TOPIC = "connect-lines";

describe.skipIf(kafkaAppsClassPath === null).each(clientTargets)(
  "Kafka Connect, standalone, on $name",
  ({ start, isCluster }) => {
    let broker: RunningTarget;
    let directory: string;
    const path = (name: string) => join(directory, name);

    beforeAll(async () => {
      broker = await start({ "num.partitions": 1 });
      directory = await mkdtemp(join(tmpdir(), "ottla-connect-"));
      await writeFile(
        path("worker.properties"),
        propertiesText({
          "bootstrap.servers": broker.bootstrapServers,
          "key.converter": "org.apache.kafka.connect.storage.StringConverter",
          "value.converter": "org.apache.kafka.connect.storage.StringConverter",
          "offset.storage.file.filename": path("offsets"),
          "offset.flush.interval.ms": 500,
          "plugin.discovery": "service_load",
          "plugin.path": join(kafkaAppsClassPath!, ".."),
          listeners: "HTTP://127.0.0.1:0",
        }),
      );
      const connector = (name: string, kind: "Source" | "Sink", settings: Record<string, string>) =>
        writeFile(
          path(`${name}.properties`),
          propertiesText({
            ...{ name, "tasks.max": 1, "connector.class": `org.apache.kafka.connect.file.FileStream${kind}Connector` },
            ...settings,
          }),
        );
      await connector("source", "Source", { file: path("in.txt"), topic: TOPIC });
      await connector("sink", "Sink", { file: path("out.txt"), topics: TOPIC });
    });
    afterAll(async () => {
      await broker?.stop();
      await rm(directory, { recursive: true, force: true });
    });

    twice("a file goes through a topic into another file, line by line", async (round) => {
      const lines = Array.from({ length: LINES }, (_, i) => `round ${round}, line ${i}`);
      await appendFile(path("in.txt"), `${lines.join("\n")}\n`);
      const configs = ["worker", "source", "sink"].map((name) => path(`${name}.properties`));
      const main = "org.apache.kafka.connect.cli.ConnectStandalone";
      const connect = new LongRunning(external.java!, [...SMALL_JVM, "-cp", kafkaAppsClassPath!, main, ...configs]);
      try {
        const written = async () => (await readFile(path("out.txt"), "utf8").catch(() => "")).split("\n").slice(0, -1);
        const isThrough = async () => (await written()).length >= LINES * round;
        await until("through", isThrough, 45_000, () => connect.output);
        // Both times from where the last run has left off: nothing is lost, nothing comes again.
        expect((await written()).slice(-LINES)).toEqual(lines);
        expect(await written()).toHaveLength(LINES * round);
      } finally {
        await connect.stop("SIGTERM");
      }
    });

    if (!isCluster) itIsDissected(() => broker.frames);
  },
);

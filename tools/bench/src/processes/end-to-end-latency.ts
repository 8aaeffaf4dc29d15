import { spawn } from "node:child_process";
import { once } from "node:events";
import { externalPrograms } from "../../../fetch/external-programs.mjs";
import type { LatencyMs } from "../harness/scenario.ts";
import type { BenchBroker } from "./broker.ts";

/** What the tool tells: its percentiles are whole milliseconds, cut off; its average is not. */
export interface ToolLatency extends LatencyMs {
  readonly average: number;
}

/** Apache Kafka's own tool: one record of 100 bytes at a time, from send to poll, acks=1 as its documentation has it. */
export async function endToEndLatency(broker: BenchBroker, topic: string, records: number): Promise<ToolLatency> {
  const tool = ["org.apache.kafka.tools.EndToEndLatency", "--bootstrap-server", `127.0.0.1:${broker.port}`];
  const task = ["--topic", topic, "--num-records", String(records), "--producer-acks", "1", "--record-size", "100"];
  const classPath = externalPrograms.kafkaJars.find() ?? "";
  const child = spawn(
    externalPrograms.java.find() ?? "java",
    ["-Xmx512m", "-Dlog4j2.level=OFF", "-cp", classPath, ...tool, ...task],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  await once(child, "close");
  const [averageFound] = output.match(/(?<=Avg latency: )[\d.]+/) ?? [];
  const found = /50th = ([\d.]+), 99th = ([\d.]+), 99.9th = ([\d.]+)/.exec(output);
  if (averageFound === undefined || found === null)
    throw new Error(`EndToEndLatency did not tell its percentiles:\n${output}`);
  const [p50 = 0, p99 = 0, p999 = 0] = found.slice(1).map(Number);
  return { average: Number(averageFound), p50, p99, p999 };
}

import { external, kafkaClassPath } from "./external.ts";
import { type ProcessResult, run } from "./process.ts";

/** Runs one of Apache Kafka's command-line tools by its class. */
export function kafkaTool(
  className: string,
  args: readonly string[],
  options: { readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<ProcessResult> {
  if (external.java === null || kafkaClassPath === null) throw new Error("Java or Apache Kafka's jars are absent");
  return run(
    external.java,
    ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", kafkaClassPath, className, ...args],
    {
      timeoutMs: 60_000,
      ...options,
    },
  );
}

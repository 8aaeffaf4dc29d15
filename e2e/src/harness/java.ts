import { external, kafkaClassPath } from "./external.ts";
import { type ProcessResult, run } from "./process.ts";

/** For what lives for seconds: code that is compiled well, and collectors with threads of their own, would not pay. */
export const SHORT_LIVED_JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"] as const;

/** For programs that end soon: quick to start, content with little. */
export const SMALL_JVM = ["-Xmx256m", ...SHORT_LIVED_JVM] as const;

/**
 * The flags by which Java finds classes, in `more` too; those of the newest Apache Kafka are mapped from an archive where
 * there is one.
 * Java goes without an archive that does not fit, and is not to say so where a tool's output is read.
 */
export function classFlags(classPath: string, ...more: readonly string[]): string[] {
  const isArchived = classPath === kafkaClassPath && external.kafkaArchive !== null;
  const archive = isArchived ? [`-XX:SharedArchiveFile=${external.kafkaArchive}`, "-Xlog:disable"] : [];
  return [...archive, "-cp", [classPath, ...more].join(":")];
}

/** Runs one of Apache Kafka's command-line tools by its class, in a process of its own. */
export function kafkaTool(
  className: string,
  args: readonly string[],
  {
    classPath = kafkaClassPath,
    ...options
  }: { readonly input?: string; readonly timeoutMs?: number; readonly classPath?: string | null } = {},
): Promise<ProcessResult> {
  if (external.java === null || classPath === null) throw new Error("Java or Apache Kafka's jars are absent");
  return run(external.java, [...SMALL_JVM, ...classFlags(classPath), className, ...args], {
    timeoutMs: 60_000,
    ...options,
  });
}

import type { LogResources } from "@ottla/storage";
import type { DescribedDirectory } from "../services/broker-services.ts";
import type { LogActivity } from "./log-activity.ts";
import type { MetricFamily } from "./metric-family.ts";
import { single } from "./metric-family.ts";
import { QUANTILES } from "./quantiles.ts";

/** Kafka's LogFlushStats, LogCleaner and LogCleanerManager, and what its page cache does, which the tail does here. */
export function* logFamilies(
  { flushTimeMs, lastCompacted, compactionsCount, cleanerLookedAtMs }: LogActivity,
  { tailBytes, lentReadBytes, pooledReadBytes, indexBytes, openFiles }: LogResources,
  directories: readonly DescribedDirectory[],
  nowMs: number,
): Generator<MetricFamily> {
  const flush = "kafka_log_logflushstats_logflushrateandtimems";
  const values = flushTimeMs.quantiles(QUANTILES.map(Number), nowMs);
  yield {
    name: flush,
    type: "gauge",
    help: "How long it took to bring what was written to disk, in ms.",
    samples: values.map((value, index) => ({ labels: { quantile: QUANTILES[index]! }, value })),
  };
  yield single("counter", `${flush}_count`, "How often a log was brought to disk.", flushTimeMs.count);
  yield single("counter", "ottla_log_compactions_total", "Passes of compaction that are done.", compactionsCount);
  if (lastCompacted !== null) {
    const { bytesAfter, bytesBefore, elapsedMs } = lastCompacted;
    const cleaner = (name: string, help: string, value: number) =>
      single("gauge", `kafka_log_logcleaner_${name}`, help, value);
    yield cleaner("max_clean_time_secs", "How long the last pass of compaction took.", elapsedMs / 1_000);
    const percent = bytesBefore === 0 ? 0 : Math.round((bytesAfter / bytesBefore) * 100);
    yield cleaner("cleaner_recopy_percent", "What was left of a log by its last pass of compaction.", percent);
  }
  const manager = "kafka_log_logcleanermanager";
  yield {
    name: `${manager}_uncleanable_partitions_count`,
    type: "gauge",
    help: "Logs whose compaction has failed, by log directory.",
    samples: directories.map(({ name, uncleanableLogs }) => ({
      labels: { logDirectory: name },
      value: uncleanableLogs,
    })),
  };
  if (cleanerLookedAtMs !== null) {
    const sinceMs = Math.round(nowMs - cleanerLookedAtMs);
    const help = "Since a cleaner last looked what there is to compact.";
    yield single("gauge", `${manager}_time_since_last_run_ms`, help, sinceMs);
  }
  yield single("gauge", "ottla_log_tail_bytes", "Memory that the newest batches of all partitions pin.", tailBytes);
  yield single("gauge", "ottla_log_lent_read_bytes", "Memory of reads from disk on their way out.", lentReadBytes);
  yield single("gauge", "ottla_log_pooled_read_bytes", "Memory kept for reads from disk to come.", pooledReadBytes);
  yield single("gauge", "ottla_log_index_bytes", "Memory that holds parts of indexes.", indexBytes);
  yield single("gauge", "ottla_log_open_files", "Files of logs that are open.", openFiles);
}

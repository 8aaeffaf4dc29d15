import { METADATA_TOPIC, type MetadataLog } from "@ottla/metadata";
import type { DiskError } from "@ottla/runtime";
import {
  LogDirectoryCorrupt,
  type LogManager,
  type LogManagerOptions,
  LogMemory,
  NO_BROKER_EPOCH,
  openLogManager,
} from "@ottla/storage";
import type { BrokerDirectory } from "../broker-options.ts";
import { cleanerOptions, logMemoryBounds } from "../config/component-options.ts";
import {
  damaged,
  type OpenDirectories,
  openDirectories,
  removeCleanShutdownMarks,
} from "../services/open-directories.ts";
import { type OpenMetadataLog, sharedMetadataLog } from "../services/shared-metadata-log.ts";
import { EarlyMetadata, type OwnMetadata } from "./early-metadata.ts";
import type { StartContext } from "./start-context.ts";

export interface OpenLogs {
  readonly directories: OpenDirectories<BrokerDirectory>;
  /** The metadata log of the cluster; null where a broker on its own keeps it in one of its directories. */
  readonly sharedMetadata: MetadataLog | null;
  readonly early: EarlyMetadata;
  readonly memory: LogMemory;
}

const OPENING = "opening its logs";

/** Opens the log directories and, for a broker of a cluster, what says which cluster that is. */
export async function openLogs(
  context: StartContext,
  onDirectoryFailure: (directory: BrokerDirectory, error: DiskError) => void,
): Promise<OpenLogs> {
  const { closers } = context;
  const { directories, runtime, onStep = () => {} } = context.options;
  const config = context.config.current;
  const openShared = context.options.openMetadataLog ?? sharedMetadataLog(config, context.connector, runtime);
  const early = new EarlyMetadata(runtime, config);
  let shared: MetadataLog | null = null;
  const sharedClusterId = async (open: OpenMetadataLog, proposedId: string) => {
    onStep(`waiting for ZooKeeper (zookeeper.connect=${config.get("zookeeper.connect")})`);
    const log = await open();
    closers.add(() => log.close());
    shared = log;
    early.share(log);
    const clusterId = await log.clusterId(proposedId);
    onStep(OPENING);
    return clusterId;
  };
  onStep(OPENING);
  const memory = new LogMemory(logMemoryBounds(config));
  // The directory that is opened first: a broker on its own has its metadata there.
  let main: OwnMetadata | null = null;
  let previousBrokerEpoch = NO_BROKER_EPOCH;
  // Who was not registered has changed nothing of what the life before has left.
  const brokerEpoch = () => (context.brokerEpoch < 0 ? previousBrokerEpoch : context.brokerEpoch);
  const opened = await openDirectories({
    directories,
    wantedNodeId: config.configuredNodeId,
    defaultNodeId: config.require("node.id"),
    keepsMetadata: openShared === null,
    clusterId: async (proposedId) => (openShared === null ? proposedId : await sharedClusterId(openShared, proposedId)),
    runtime,
    open: async (directory, nodeId) => {
      const { disk, path } = directory;
      const mainOr = (logs: LogManager) => {
        main ??= { logs, disk, directory: path };
        return main;
      };
      const configOf = (topic: string, logs: LogManager) => early.configOf(topic, nodeId, mainOr(logs));
      const onDiskFailure = (error: DiskError) => onDirectoryFailure(directory, error);
      const logs = await openDirectory(context, directory, { memory, brokerEpoch, configOf, onDiskFailure });
      mainOr(logs);
      return logs;
    },
  });
  previousBrokerEpoch = opened.previousBrokerEpoch;
  closers.add(async () => {
    await opened.logs.close();
    // What an unclean stop may have cost is settled by the registration; until then the next start has to know of it.
    if (!opened.cleanShutdown && context.brokerEpoch < 0) await removeCleanShutdownMarks(directories);
  });
  context.config.settleNodeId(opened.identity.nodeId);
  return { directories: opened, sharedMetadata: shared, early, memory };
}

/** The other half is for connections. */
function openFilesMax({ config, options }: StartContext): number {
  const { openFilesLimit = Number.POSITIVE_INFINITY } = options;
  return Math.min(config.current.require("log.open.files.max"), Math.floor(openFilesLimit / 2));
}

async function openDirectory(
  context: StartContext,
  directory: BrokerDirectory,
  ofStart: Pick<LogManagerOptions, "memory" | "brokerEpoch" | "configOf" | "onDiskFailure">,
): Promise<LogManager> {
  const { runtime, directories } = context.options;
  const { disk, path, name, compactionExecutor } = directory;
  const config = context.config.current;
  return await openLogManager({
    disk,
    directory: path,
    runtime: { ...runtime, logger: runtime.logger.child({ dataDirectory: name }) },
    openedFirst: METADATA_TOPIC,
    maxOpenFiles: Math.ceil(openFilesMax(context) / directories.length),
    checkpointIntervalMs: config.require("log.flush.offset.checkpoint.interval.ms"),
    highWatermarkCheckpointIntervalMs: config.require("replica.high.watermark.checkpoint.interval.ms"),
    retentionCheckIntervalMs: config.require("log.retention.check.interval.ms"),
    recoveryParallelism: () => context.config.current.require("num.recovery.threads.per.data.dir"),
    producerIdExpirationMs: () => context.config.current.require("producer.id.expiration.ms"),
    producerIdExpirationCheckIntervalMs: config.require("producer.id.expiration.check.interval.ms"),
    cleaner: config.require("log.cleaner.enable") ? () => cleanerOptions(context.config.current) : null,
    ...(compactionExecutor !== undefined && { compactionExecutor }),
    observer: context.logActivity,
    ...ofStart,
  }).catch((error) => {
    throw error instanceof LogDirectoryCorrupt ? damaged(directory, error) : error;
  });
}

import { METADATA_TOPIC, randomUuid } from "@ottla/metadata";
import { type Disk, DiskError, type Runtime } from "@ottla/runtime";
import {
  isOnline,
  LogDirectories,
  type LogDirectory,
  LogDirectoryCorrupt,
  type LogManager,
  type MetaProperties,
  NO_BROKER_EPOCH,
  readCleanShutdownMark,
} from "@ottla/storage";
import {
  claimDirectory,
  type DirectoryIdentity,
  findPartitionDirectory,
  holdsMetadata,
  inspectDirectory,
  joinPath,
  metadataMissing,
  StartupError,
} from "./data-directory.ts";
import { checkClusterId } from "./shared-metadata-log.ts";

/** One of `log.dirs`. */
export interface DataDirectory {
  /** What its files are read from and written to. */
  readonly disk: Disk;
  /** A path of `disk`. */
  readonly path: string;
  /** What a person calls it. */
  readonly name: string;
}

/** A data directory that could not be used; `cause` says why. */
export class DataDirectoryError extends Error {
  /** As `log.dirs` names it. */
  readonly directoryName: string;
  /** What failed there. */
  declare readonly cause: DiskError;

  constructor(directoryName: string, cause: DiskError) {
    super(`${directoryName} cannot be used: ${cause.message}`, { cause });
    this.name = "DataDirectoryError";
    this.directoryName = directoryName;
  }
}

/** The broker's data directories, all that can be opened. */
export interface OpenDirectories<Directory extends DataDirectory> {
  /** Of the broker, and of the main directory. */
  readonly identity: DirectoryIdentity;
  /** The directory with the cluster's metadata, without which a broker on its own is of no use; in a cluster the first that can be read. */
  readonly main: { readonly data: Directory; readonly log: LogDirectory };
  readonly logs: LogDirectories;
  /** Whether every directory was left by a clean stop. */
  readonly cleanShutdown: boolean;
  /** The epoch of the broker that left them all so; -1 where that is not one and the same. */
  readonly previousBrokerEpoch: number;
}

export interface OpenDirectoriesOptions<Directory extends DataDirectory> {
  readonly directories: readonly Directory[];
  /** The id that was set for this broker, or null. */
  readonly wantedNodeId: number | null;
  readonly defaultNodeId: number;
  /** Whether the cluster's metadata is in one of them: it is for a broker on its own. */
  readonly keepsMetadata: boolean;
  /** The cluster that the broker belongs to; by default the one that is proposed. */
  readonly clusterId: (proposed: string) => Promise<string>;
  readonly runtime: Runtime;
  /** Opens the logs of one, the one with the metadata first. */
  readonly open: (directory: Directory, nodeId: number) => Promise<LogManager>;
}

/** What there is to say of a directory before it is opened. */
interface Inspected<Directory extends DataDirectory> {
  readonly data: Directory;
  readonly found: MetaProperties | null;
  readonly holdsMetadata: boolean;
  readonly partition: string | undefined;
  /** The epoch of the broker that stopped cleanly; null where none did. */
  readonly cleanStopEpoch: number | null;
  readonly failure: DiskError | null;
}

const CLEAN_SHUTDOWN_MARK = ".kafka_cleanshutdown";

/**
 * Opens the data directories of a broker and makes them its own. As in Kafka one that cannot be read leaves the others
 * to be served, unless it is the one with the metadata, which is the first where none has any yet.
 * @throws StartupError, DataDirectoryError
 */
export async function openDirectories<Directory extends DataDirectory>(
  options: OpenDirectoriesOptions<Directory>,
): Promise<OpenDirectories<Directory>> {
  const { wantedNodeId, defaultNodeId } = options;
  const inspected: Inspected<Directory>[] = [];
  for (const directory of options.directories) inspected.push(await inspect(directory, wantedNodeId));
  let main = options.keepsMetadata ? metadataAmong(inspected) : firstReadable(inspected);
  const nodeId = wantedNodeId ?? main.found?.nodeId ?? defaultNodeId;
  const known = inspected.find(({ found }) => found !== null)?.found ?? null;
  const clusterId = await options.clusterId(proposedClusterId(inspected, known, options));
  checkAgreement(inspected, nodeId, clusterId);
  const owner = { nodeId, clusterId };
  const opened = new Map<Inspected<Directory>, LogDirectory>();
  const mainFirst = options.keepsMetadata ? [main, ...inspected.filter((one) => one !== main)] : inspected;
  let identity: DirectoryIdentity | null = null;
  let failure: DataDirectoryError | null = null;
  try {
    for (const one of mainFirst) {
      const isNeeded = options.keepsMetadata && one === main;
      const result = await open(one, options, owner, isNeeded);
      opened.set(one, result.directory);
      failure ??= result.failure;
      // In a cluster any directory will do, and what can be read need not open.
      if (identity !== null || (options.keepsMetadata && !isNeeded)) continue;
      identity = result.identity;
      if (identity !== null) main = one;
    }
    if (identity === null) throw failure;
  } catch (error) {
    for (const directory of opened.values()) await directory.logs?.close().catch(() => {});
    throw error;
  }
  const stops = inspected.filter(({ failure }) => failure === null).map(({ cleanStopEpoch }) => cleanStopEpoch);
  return {
    identity,
    main: { data: main.data, log: opened.get(main)! },
    logs: new LogDirectories(inspected.map((one) => opened.get(one)!)),
    cleanShutdown: stops.every((epoch) => epoch !== null),
    previousBrokerEpoch: stops.every((epoch) => epoch === stops[0]) ? (stops[0] ?? NO_BROKER_EPOCH) : NO_BROKER_EPOCH,
  };
}

/**
 * The id that this broker would give a new cluster: its own, where it brings the metadata. Who belongs to a cluster whose
 * metadata are elsewhere does not begin one under that name: `zookeeper.connect` has led it to the wrong place.
 */
function proposedClusterId(
  inspected: readonly Inspected<DataDirectory>[],
  known: MetaProperties | null,
  { keepsMetadata, runtime }: Pick<OpenDirectoriesOptions<DataDirectory>, "keepsMetadata" | "runtime">,
): string {
  const bringsMetadata = keepsMetadata || inspected.some((one) => one.holdsMetadata);
  return (bringsMetadata ? known?.clusterId : undefined) ?? randomUuid(runtime.random);
}

/** Takes the marks of a clean stop away: the next start has to know that the one before this was not. */
export async function removeCleanShutdownMarks(directories: readonly DataDirectory[]): Promise<void> {
  for (const { disk, path } of directories) await disk.remove(joinPath(path, CLEAN_SHUTDOWN_MARK)).catch(() => {});
}

async function inspect<Directory extends DataDirectory>(
  data: Directory,
  nodeId: number | null,
): Promise<Inspected<Directory>> {
  const { disk, path } = data;
  try {
    const found = await inspectDirectory(disk, data, nodeId);
    if (found === null) {
      return { data, found, holdsMetadata: false, partition: undefined, cleanStopEpoch: null, failure: null };
    }
    return {
      data,
      found,
      holdsMetadata: await holdsMetadata(disk, path),
      partition: await findPartitionDirectory(disk, path),
      // Opening the logs takes the mark away, so this looks before.
      cleanStopEpoch: await readCleanShutdownMark(disk, path),
      failure: null,
    };
  } catch (error) {
    if (error instanceof LogDirectoryCorrupt) throw damaged(data, error);
    if (!(error instanceof DiskError)) throw error;
    return { data, found: null, holdsMetadata: false, partition: undefined, cleanStopEpoch: null, failure: error };
  }
}

/** What is damaged has a path of the disk; a person looks for it below the directory. */
export function damaged({ name, path: root }: DataDirectory, { path, problem }: LogDirectoryCorrupt): StartupError {
  const file = joinPath(name, path.slice(root.length).replace(/^\//, ""));
  return new StartupError(`${file} cannot be used: ${problem}`);
}

/**
 * The directory that holds the metadata, or shall: the first.
 * @throws StartupError where there are partitions and no metadata. They would pass for those of deleted topics; it is
 * what Apache Kafka, another cluster or a lost disk leaves.
 * @throws DataDirectoryError where the metadata may lie in a directory that cannot be read
 */
function metadataAmong<Directory extends DataDirectory>(
  inspected: readonly Inspected<Directory>[],
): Inspected<Directory> {
  const holders = inspected.filter((one) => one.holdsMetadata);
  if (holders.length > 1) {
    const names = holders.map(({ data }) => data.name).join(" and ");
    throw new StartupError(`${names} both hold ${METADATA_TOPIC}-0; keep the one that is this broker's in log.dirs`);
  }
  if (holders[0] !== undefined) return holders[0];
  const failed = inspected.find(({ failure }) => failure !== null);
  if (failed !== undefined) throw new DataDirectoryError(failed.data.name, failed.failure!);
  const orphan = inspected.find(({ partition }) => partition !== undefined);
  if (orphan !== undefined) throw metadataMissing(orphan.data.name, orphan.partition!);
  return inspected[0]!;
}

/** @throws DataDirectoryError where none can be read */
function firstReadable<Directory extends DataDirectory>(
  inspected: readonly Inspected<Directory>[],
): Inspected<Directory> {
  const readable = inspected.find(({ failure }) => failure === null);
  if (readable === undefined) throw new DataDirectoryError(inspected[0]!.data.name, inspected[0]!.failure!);
  return readable;
}

function checkAgreement(inspected: readonly Inspected<DataDirectory>[], nodeId: number, clusterId: string): void {
  const directoryIds = new Map<string, string>();
  for (const { data, found } of inspected) {
    if (found === null) continue;
    checkClusterId(found.clusterId, clusterId, data.name);
    if (found.nodeId !== nodeId) {
      throw new StartupError(
        `${data.name} belongs to broker ${found.nodeId}, and this is broker ${nodeId}; choose another directory with log.dirs`,
      );
    }
    if (found.directoryId === undefined) continue;
    const other = directoryIds.get(found.directoryId);
    if (other !== undefined) {
      throw new StartupError(`${other} and ${data.name} have the same directory.id: one is a copy of the other`);
    }
    directoryIds.set(found.directoryId, data.name);
  }
}

interface OpenedDirectory {
  readonly directory: LogDirectory;
  /** Null where it cannot be used: `failure` says why. */
  readonly identity: DirectoryIdentity | null;
  readonly failure: DataDirectoryError | null;
}

async function open<Directory extends DataDirectory>(
  { data, found, failure }: Inspected<Directory>,
  options: OpenDirectoriesOptions<Directory>,
  owner: Pick<DirectoryIdentity, "clusterId" | "nodeId">,
  isNeeded: boolean,
): Promise<OpenedDirectory> {
  let logs: LogManager | null = null;
  try {
    if (failure !== null) throw failure;
    logs = await options.open(data, owner.nodeId);
    const identity = await claimDirectory(data.disk, data.path, found, owner, options.runtime);
    return { directory: { id: identity.directoryId, name: data.name, logs }, identity, failure: null };
  } catch (error) {
    await logs?.close().catch(() => {});
    if (!(error instanceof DiskError)) throw error;
    const unusable = new DataDirectoryError(data.name, error);
    if (isNeeded || error.code === "LOCKED") throw unusable;
    options.runtime.logger.error("a log directory cannot be used; its partitions are offline until the next start", {
      directory: data.name,
      path: error.path,
      error: error.message,
    });
    const directory = { id: found?.directoryId ?? null, name: data.name, logs: null };
    return { directory, identity: null, failure: unusable };
  }
}

/** Ids of the directories that can be used, as a broker registers them. */
export function onlineIds(logs: LogDirectories): string[] {
  return logs.all.filter(isOnline).flatMap(({ id }) => id ?? []);
}

/** Ids of the directories that have failed, as far as they are known. */
export function offlineIds(logs: LogDirectories): string[] {
  return logs.all.filter((directory) => !isOnline(directory)).flatMap(({ id }) => id ?? []);
}

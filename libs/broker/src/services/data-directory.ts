import { METADATA_TOPIC, randomUuid } from "@ottla/metadata";
import type { Disk, Runtime } from "@ottla/runtime";
import { type MetaProperties, readMetaProperties, writeMetaProperties } from "@ottla/storage";

/** The broker cannot use its data directory, or cannot start for another reason that a person can mend. One line. */
export class StartupError extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "StartupError";
  }
}

/** Whose directory it is. */
export type DirectoryIdentity = Required<MetaProperties>;

/** A directory of a disk, and what a person calls it. */
export interface NamedDirectory {
  readonly path: string;
  readonly name: string;
}

export function joinPath(directory: string, name: string): string {
  return directory.endsWith("/") ? directory + name : `${directory}/${name}`;
}

/** Entries that a directory may have before it is a data directory. */
const HARMLESS_ENTRIES = /^(\..*|lost\+found)$/;

/**
 * Whose data directory this is, before anything in it is touched; null where it is new.
 * @throws StartupError when it belongs to another broker, or holds something else
 */
export async function inspectDirectory(
  disk: Disk,
  { path, name: directory }: NamedDirectory,
  nodeId: number | null,
): Promise<MetaProperties | null> {
  const stat = await disk.stat(path);
  if (stat === null) return null;
  if (!stat.isDirectory) throw new StartupError(`${directory} is not a directory; choose another one with log.dirs`);
  const meta = await readMetaProperties(disk, path);
  if (meta !== null) {
    checkOwner(meta, directory, nodeId);
    return meta;
  }
  const entries = await disk.list(path);
  const foreign = entries.find(({ name }) => !HARMLESS_ENTRIES.test(name));
  if (foreign === undefined) return null;
  throw new StartupError(
    `${directory} is not a data directory: it holds "${foreign.name}" and no meta.properties; choose an empty or new directory with log.dirs`,
  );
}

function checkOwner(meta: MetaProperties, directory: string, nodeId: number | null): void {
  if (nodeId === null || meta.nodeId === nodeId) return;
  throw new StartupError(
    `${directory} belongs to broker ${meta.nodeId}, and this is broker ${nodeId}; set node.id=${meta.nodeId}, or choose another directory with log.dirs`,
  );
}

const METADATA_DIRECTORY = `${METADATA_TOPIC}-0`;
const PARTITION_DIRECTORY = /^.+-\d+$/;

/** The name of a directory of a topic's partition in a data directory; undefined where there is none. */
export async function findPartitionDirectory(disk: Disk, path: string): Promise<string | undefined> {
  const partition = (await disk.list(path)).find(
    ({ name, isDirectory }) => isDirectory && name !== METADATA_DIRECTORY && PARTITION_DIRECTORY.test(name),
  );
  return partition?.name;
}

/** Whether a data directory has the cluster's metadata: a snapshot, or a segment with something in it. */
export async function holdsMetadata(disk: Disk, path: string): Promise<boolean> {
  const directory = joinPath(path, METADATA_DIRECTORY);
  if ((await disk.stat(directory)) === null) return false;
  for (const { name } of await disk.list(directory)) {
    if (name.endsWith(".checkpoint")) return true;
    const isSegment = name.endsWith(".log");
    if (isSegment && ((await disk.stat(joinPath(directory, name)))?.sizeBytes ?? 0) > 0) return true;
  }
  return false;
}

/** The directory holds partitions, and nothing says what topics there are. */
export function metadataMissing(directory: string, partitionDirectory: string): StartupError {
  return new StartupError(
    `${directory} holds "${partitionDirectory}" and no metadata that speaks of any topic: ${METADATA_DIRECTORY} is missing or empty; nothing was removed; bring it back, or choose another directory with log.dirs`,
  );
}

/** Makes a directory this broker's: what it says already stays, what is missing is made up. */
export async function claimDirectory(
  disk: Disk,
  directory: string,
  found: MetaProperties | null,
  { clusterId, nodeId }: Pick<DirectoryIdentity, "clusterId" | "nodeId">,
  { random }: Pick<Runtime, "random">,
): Promise<DirectoryIdentity> {
  const identity = {
    clusterId,
    nodeId,
    directoryId: found?.directoryId ?? randomUuid(random),
  };
  if (found?.directoryId === undefined) await writeMetaProperties(disk, directory, identity);
  return identity;
}

import type { Disk } from "@ottla/runtime";
import { LogDirectoryCorrupt } from "../log-errors.ts";
import { readTextFile, writeFileAtomically } from "./atomic-file.ts";
import { joinPath, META_PROPERTIES } from "./names.ts";
import { formatProperties, parseProperties } from "./properties.ts";

/** Whom a log directory belongs to: Kafka's `meta.properties`, version 1. */
export interface MetaProperties {
  readonly clusterId: string;
  readonly nodeId: number;
  /** Tells this directory from others of the same broker (KIP-858). Absent in directories of older brokers. */
  readonly directoryId?: string;
}

/** The directory's owner, or null where it has none yet. Throws {@link LogDirectoryCorrupt} for an unreadable file. */
export async function readMetaProperties(disk: Disk, directory: string): Promise<MetaProperties | null> {
  const path = joinPath(directory, META_PROPERTIES);
  const text = await readTextFile(disk, path);
  if (text === null) return null;
  const properties = parseProperties(text);
  const clusterId = properties.get("cluster.id");
  const nodeId = Number(properties.get("node.id") ?? properties.get("broker.id"));
  if (clusterId === undefined || !Number.isInteger(nodeId)) {
    throw new LogDirectoryCorrupt(path, "it has no cluster.id or no node.id");
  }
  const directoryId = properties.get("directory.id");
  return directoryId === undefined ? { clusterId, nodeId } : { clusterId, nodeId, directoryId };
}

export async function writeMetaProperties(disk: Disk, directory: string, meta: MetaProperties): Promise<void> {
  const properties = new Map([
    ["version", "1"],
    ["cluster.id", meta.clusterId],
    ["node.id", String(meta.nodeId)],
  ]);
  if (meta.directoryId !== undefined) properties.set("directory.id", meta.directoryId);
  await writeFileAtomically(disk, joinPath(directory, META_PROPERTIES), `#\n${formatProperties(properties)}`);
}

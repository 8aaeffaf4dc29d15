import { METADATA_TOPIC, type MetadataImage } from "@ottla/metadata";
import { ZERO_UUID } from "@ottla/protocol";
import type { LogDirectories, LogManager, PartitionLog } from "@ottla/storage";
import { metadataMissing, StartupError } from "../services/data-directory.ts";

/**
 * Sets aside the logs of topics that were deleted while this broker was down, or died while it deleted them, as Apache
 * Kafka does. They are not deleted: it may as well be the log's `partition.metadata` that is wrong, or the metadata that
 * somebody has put back to what they were long ago.
 * @throws StartupError where there is no metadata at all: then that was lost, and the topics were not deleted; and where
 * two directories hold a partition
 */
export async function setStrayLogsAside(
  directories: LogDirectories,
  image: MetadataImage,
  nodeId: number,
): Promise<void> {
  for (const { name, logs } of directories.online) await setAsideIn(logs!, name, image, nodeId);
  for (const { directory, log } of [...directories.futures()]) {
    const { topic, partition } = log;
    if (!belongs(image, log, nodeId)) await directory.logs!.setFutureAside(topic, partition);
    else if (directories.directoryOf(topic, partition) === directory)
      await directory.logs!.deleteFuture(topic, partition);
  }
  checkNoneTwice(directories);
}

async function setAsideIn(
  logs: LogManager,
  directoryName: string,
  image: MetadataImage,
  nodeId: number,
): Promise<void> {
  const strays = [...logs.logs()].filter((log) => log.topic !== METADATA_TOPIC && !belongs(image, log, nodeId));
  if (strays[0] !== undefined && image.offset < 0) {
    throw metadataMissing(directoryName, `${strays[0].topic}-${strays[0].partition}`);
  }
  for (const { topic, partition } of strays) await logs.setAside(topic, partition);
}

/** As Kafka: nobody knows which of the two is the right one. */
function checkNoneTwice({ online }: LogDirectories): void {
  const holders = new Map<string, string>();
  for (const { name, logs } of online) {
    for (const { topic, partition } of logs!.logs()) {
      const other = holders.get(`${topic}-${partition}`);
      if (other !== undefined) {
        throw new StartupError(`${other} and ${name} both hold ${topic}-${partition}; move one of them away`);
      }
      holders.set(`${topic}-${partition}`, name);
    }
  }
}

/** A log that has no topic id, because it was lost or never written, is its topic's: it has been opened as such. */
function belongs(image: MetadataImage, { topic, partition, topicId }: PartitionLog, nodeId: number): boolean {
  const known = image.topicsByName.get(topic);
  if (known === undefined || (topicId !== known.topicId && topicId !== ZERO_UUID)) return false;
  return known.partitions[partition]?.replicas.includes(nodeId) === true;
}

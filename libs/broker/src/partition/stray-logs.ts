import { METADATA_TOPIC, type MetadataImage } from "@ottla/metadata";
import { ZERO_UUID } from "@ottla/protocol";
import type { Logger } from "@ottla/runtime";
import type { LogManager, PartitionLog } from "@ottla/storage";
import { metadataMissing } from "../services/data-directory.ts";

/**
 * Removes the logs of topics that were deleted while this broker was down, or died while it deleted them.
 * @throws StartupError where there is no metadata at all: then that was lost, and the topics were not deleted
 */
export async function removeStrayLogs(
  logs: LogManager,
  image: MetadataImage,
  nodeId: number,
  { logger, directoryName }: { readonly logger: Logger; readonly directoryName: string },
): Promise<void> {
  const strays = [...logs.logs()].filter((log) => log.topic !== METADATA_TOPIC && !belongs(image, log, nodeId));
  if (strays[0] !== undefined && image.offset < 0) {
    throw metadataMissing(directoryName, `${strays[0].topic}-${strays[0].partition}`);
  }
  for (const { topic, partition } of strays) {
    logger.info("removing the log of a topic that was deleted", { topic, partition });
    await logs.delete(topic, partition);
  }
}

/** A log that has no topic id, because it was lost or never written, is its topic's: it has been opened as such. */
function belongs(image: MetadataImage, { topic, partition, topicId }: PartitionLog, nodeId: number): boolean {
  const known = image.topicsByName.get(topic);
  if (known === undefined || (topicId !== known.topicId && topicId !== ZERO_UUID)) return false;
  return known.partitions[partition]?.replicas.includes(nodeId) === true;
}

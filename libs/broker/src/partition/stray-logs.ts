import { METADATA_TOPIC, type MetadataImage } from "@ottla/metadata";
import type { Logger } from "@ottla/runtime";
import type { LogManager, PartitionLog } from "@ottla/storage";

/**
 * Removes the logs of topics that were deleted while this broker was down, or died while it deleted them.
 *
 * Without any metadata nothing is removed: then it is more likely that the metadata was lost than that every topic was
 * deleted.
 */
export async function removeStrayLogs(
  logs: LogManager,
  image: MetadataImage,
  nodeId: number,
  logger: Logger,
): Promise<void> {
  const strays = [...logs.logs()].filter((log) => log.topic !== METADATA_TOPIC && !belongs(image, log, nodeId));
  for (const { topic, partition } of strays) {
    if (image.offset < 0) {
      logger.warn("a log is of no topic that the metadata knows; it is left alone", { topic, partition });
      continue;
    }
    logger.info("removing the log of a topic that was deleted", { topic, partition });
    await logs.delete(topic, partition);
  }
}

function belongs(image: MetadataImage, { topic, partition, topicId }: PartitionLog, nodeId: number): boolean {
  const known = image.topicsByName.get(topic);
  return known?.topicId === topicId && known.partitions[partition]?.replicas.includes(nodeId) === true;
}

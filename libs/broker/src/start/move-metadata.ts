import {
  METADATA_TOPIC,
  MetadataFollower,
  type MetadataImage,
  type MetadataLog,
  type NewMetadataRecord,
  recordsOf,
  serializeRecord,
} from "@ottla/metadata";
import type { BrokerDirectory } from "../broker-options.ts";
import { StartupError } from "../services/data-directory.ts";
import { openLocalMetadataLog } from "../services/metadata-plane.ts";
import type { OpenDirectories } from "../services/open-directories.ts";
import type { StartContext } from "./start-context.ts";

/** Below that of the first controller of the cluster. */
const EPOCH_OF_THE_MOVE = 0;

/**
 * Moves what this broker had as its metadata while it was alone to the cluster that it now belongs to, whose log has to be
 * empty. Its own copy is removed once it is known to be there: after a crash in between, the next start finds that out
 * and goes on.
 * @throws StartupError where the cluster has metadata of its own; nothing is removed then
 */
export async function moveOwnMetadata(
  { options }: StartContext,
  { logs }: OpenDirectories<BrokerDirectory>,
  shared: MetadataLog,
): Promise<void> {
  const { runtime, directories } = options;
  const index = logs.all.findIndex((each) => each.logs?.get(METADATA_TOPIC, 0) !== undefined);
  if (index < 0) return;
  const { id, name, logs: holder } = logs.all[index]!;
  const { disk, path: directory } = directories[index]!;
  const own = await openLocalMetadataLog({ logs: holder!, disk, directory, runtime });
  const image = await imageOf(own, runtime);
  if (saysAnything(image)) {
    const snapshot = { endOffset: image.offset + 1, epoch: EPOCH_OF_THE_MOVE, records: recordsToMove(image) };
    if (!(await shared.adopt(snapshot, id!))) {
      throw new StartupError(
        `${name} has metadata of its own, and the cluster at zookeeper.connect has begun without it: the topics of this broker are unknown there; nothing was removed; give an empty path in zookeeper.connect, or another directory in log.dirs`,
      );
    }
    const topics = image.topicsByName.size;
    runtime.logger.info("the metadata that this broker had alone is the cluster's now", { topics });
  }
  await own.close();
  await holder!.delete(METADATA_TOPIC, 0);
}

async function imageOf(log: MetadataLog, runtime: StartContext["options"]["runtime"]): Promise<MetadataImage> {
  const follower = new MetadataFollower(log, runtime);
  await follower.catchUp();
  return follower.image;
}

/** Whether anything would be lost with it. A broker's registration is renewed at every start. */
function saysAnything({ topicsByName, configs, nextProducerId }: MetadataImage): boolean {
  return topicsByName.size > 0 || configs.size > 0 || nextProducerId > 0;
}

/** All of it. The broker itself comes fenced: in the cluster it leads once it has registered there. */
function recordsToMove(image: MetadataImage): Uint8Array[] {
  const fenced = (record: NewMetadataRecord): NewMetadataRecord =>
    record.type === "RegisterBrokerRecord" ? { ...record, fenced: true } : record;
  return recordsOf(image).map((record) => serializeRecord(fenced(record)));
}

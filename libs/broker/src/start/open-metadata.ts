import type { MetadataLog } from "@ottla/metadata";
import type { BrokerDirectory } from "../broker-options.ts";
import { controllerPolicy } from "../config/component-options.ts";
import { createMetadataPlane, type MetadataPlane } from "../services/metadata-plane.ts";
import type { OpenDirectories } from "../services/open-directories.ts";
import type { EarlyMetadata } from "./early-metadata.ts";
import type { StartContext } from "./start-context.ts";

/** Opens the metadata: those that the cluster shares, or a broker's own. */
export async function openMetadata(
  { options, config, closers }: StartContext,
  { identity, main }: OpenDirectories<BrokerDirectory>,
  shared: MetadataLog | null,
  early: EarlyMetadata,
): Promise<MetadataPlane> {
  const { runtime } = options;
  const { disk, path: directory } = main.data;
  const followed = await early.followed({ logs: main.log.logs!, disk, directory });
  if (shared === null) closers.add(() => followed.log.close());
  const snapshotIntervalBytes = config.current.require("metadata.log.max.record.bytes.between.snapshots");
  const policy = () => controllerPolicy(config.current, { isOfCluster: shared !== null });
  return createMetadataPlane(followed, { nodeId: identity.nodeId, runtime, policy, snapshotIntervalBytes }, closers);
}

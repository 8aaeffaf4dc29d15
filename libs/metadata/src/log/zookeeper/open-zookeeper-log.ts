import {
  isZooKeeperError,
  parseZooKeeperConnect,
  ZooKeeperClient,
  type ZooKeeperClientOptions,
} from "@ottla/zookeeper";
import type { MetadataLog } from "../metadata-log.ts";
import { ZooKeeperMetadataLog } from "./zookeeper-metadata-log.ts";

export interface OpenZooKeeperLogOptions extends Omit<ZooKeeperClientOptions, "servers"> {
  /** `zookeeper.connect`. */
  readonly connect: string;
  /** After how long without a server that is said in the log again; for the first time it is said soon. */
  readonly connectionTimeoutMs: number;
}

/** Who has mistyped an address, or not started ZooKeeper, wants to read it while looking. */
const FIRST_WORD_MS = 2000;

/**
 * Opens the metadata log in an ensemble, and goes on trying for as long as no server answers.
 * @throws RangeError when `connect` cannot be read
 */
export async function openZooKeeperMetadataLog(options: OpenZooKeeperLogOptions): Promise<MetadataLog> {
  const { connect, connectionTimeoutMs, ...clientOptions } = options;
  const where = parseZooKeeperConnect(connect);
  if (where === null) throw new RangeError(`zookeeper.connect=${connect} is not of the form host:port,host:port/path`);
  const { runtime } = options;
  const client = new ZooKeeperClient({ ...clientOptions, servers: where.servers });
  for (let waitMs = Math.min(FIRST_WORD_MS, connectionTimeoutMs); ; waitMs = connectionTimeoutMs) {
    try {
      await client.connected(waitMs);
      break;
    } catch (error) {
      if (!isZooKeeperError(error, "CONNECTION_LOSS")) throw error;
      runtime.logger.warn(`${error.message}; trying again until one answers (zookeeper.connect)`);
    }
  }
  try {
    return await ZooKeeperMetadataLog.open({ client, root: where.root, runtime });
  } catch (error) {
    await client.close();
    throw error;
  }
}

import { createSystemRuntime } from "@ottla/runtime";
import { createDefaultConnector } from "@ottla/transport";
import { parseZooKeeperConnect, ZooKeeperClient } from "@ottla/zookeeper";
import { UsageError } from "../exit.ts";

/** How long a server may take to open a session. */
const TIMEOUT_MS = 3_000;

/**
 * Brokers wait for an ensemble for as long as it takes; who has just typed an address wants to hear that nothing is there.
 * @throws UsageError where `connect` cannot be read; Error that says why no server of it can be reached
 */
export async function requireZooKeeper(connect: string): Promise<void> {
  const where = parseZooKeeperConnect(connect);
  if (where === null) {
    throw new UsageError(
      `--zookeeper is "${connect}"; it must be host:port, several with commas between them, with a /path after the last.`,
    );
  }
  const runtime = createSystemRuntime();
  const connector = createDefaultConnector(runtime);
  const client = new ZooKeeperClient({
    servers: where.servers,
    sessionTimeoutMs: TIMEOUT_MS,
    connector,
    runtime,
  });
  try {
    await client.connected(TIMEOUT_MS);
  } catch (error) {
    const why = (error as Error).message.replace(/\.$/, "");
    throw new Error(`${why}. Start it there, or leave --zookeeper out: then this command starts one of its own.`);
  } finally {
    await client.close();
  }
}

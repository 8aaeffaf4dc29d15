import { createSystemRuntime } from "@ottla/runtime";
import { createDefaultConnector } from "@ottla/transport";
import { parseZooKeeperConnect, ZooKeeperClient } from "@ottla/zookeeper";
import { until } from "./until.ts";

const SESSION_TIMEOUT_MS = 10_000;
const POLL_MS = 5;

/** Resolves to the time on the clock of `performance.now()` at which ZooKeeper ends the session of a broker that has it now. */
export async function sessionEndMs(zooKeeperConnect: string, brokerId: number): Promise<number> {
  const { servers, root } = parseZooKeeperConnect(zooKeeperConnect)!;
  const runtime = createSystemRuntime();
  const connector = createDefaultConnector(runtime);
  const client = new ZooKeeperClient({ servers, sessionTimeoutMs: SESSION_TIMEOUT_MS, connector, runtime });
  try {
    await client.connected(SESSION_TIMEOUT_MS);
    const isOver = async () => (await client.exists(`${root}/brokers/ids/${brokerId}`)) === null;
    await until(`the session of broker ${brokerId} is over`, isOver, { pollMs: POLL_MS });
    return performance.now();
  } finally {
    await client.close();
  }
}

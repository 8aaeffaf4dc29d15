import { type MetadataLog, ZooKeeperMetadataLog } from "@ottla/metadata";
import { type ContractHarness, metadataLogContract } from "@ottla/metadata/contract";
import { createSystemRuntime } from "@ottla/runtime";
import type { ByteChannel, Connector } from "@ottla/transport";
import { createTcpConnector } from "@ottla/transport/node";
import { isZooKeeperError, type ZooKeeper, ZooKeeperClient } from "@ottla/zookeeper";
import { type ConformanceHarness, zooKeeperConformance } from "@ottla/zookeeper/conformance";
import { ServerConnection } from "@ottla/zookeeper/internal";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { zooKeeperClassPath } from "../harness/external.ts";
import { ZooKeeperEnsemble } from "../harness/zookeeper-process.ts";

const SESSION_TIMEOUT_MS = 1000;
/** The longest that the ensemble grants: calls wait as long as that, and the servers need about a second to elect a leader. */
const LONG_SESSION_TIMEOUT_MS = 4000;
const runtime = createSystemRuntime();
const connector = createTcpConnector(runtime);

describe.skipIf(zooKeeperClassPath === null)("a real ZooKeeper ensemble of three servers", { timeout: 60_000 }, () => {
  let ensemble: ZooKeeperEnsemble;
  let clients: ZooKeeperClient[] = [];
  let cases = 0;
  /** How to break the connection that a client has now. */
  const channels = new Map<ZooKeeper, () => void>();

  beforeAll(async () => {
    ensemble = await ZooKeeperEnsemble.start(3);
  }, 90_000);
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.close()));
    clients = [];
  });
  afterAll(() => ensemble?.stop());

  async function connect(sessionTimeoutMs = SESSION_TIMEOUT_MS): Promise<ZooKeeperClient> {
    const servers = ensemble.addresses;
    let channel: ByteChannel | null = null;
    const noting: Connector = {
      connect: async (address, options) => {
        channel = await connector.connect(address, options);
        return channel;
      },
    };
    const client = new ZooKeeperClient({ servers, sessionTimeoutMs, connector: noting, runtime });
    channels.set(client, () => channel?.destroy());
    clients.push(client);
    await client.connected(20_000);
    return client;
  }

  /** Closes a client's session over another connection, as only somebody with its password can. */
  async function expire(client: ZooKeeper): Promise<void> {
    const { sessionId, sessionPassword, sessionTimeoutMs } = client as ZooKeeperClient;
    const channel = await connector.connect(ensemble.addresses[0]!, { timeoutMs: 5000 });
    const connection = new ServerConnection(channel, sessionTimeoutMs, runtime, {
      onWatchEvent: () => {},
      onClose: () => {},
    });
    await connection.handshake({ lastZxid: 0n, sessionTimeoutMs, sessionId, password: sessionPassword });
    await connection.closeSession();
  }

  describe("conforms to what our use of it stands on", () => {
    for (const { name, run } of zooKeeperConformance) {
      it(name, async () => {
        const root = `/conformance-${cases++}`;
        await (await connect()).create(root, new Uint8Array(0));
        const connectBelow = async () => {
          const client = await connect();
          while ((await client.exists(root)) === null) await client.sync(root);
          return client;
        };
        const breakConnection = (client: ZooKeeper) => channels.get(client)!();
        await run({ root, connect: connectBelow, expire, breakConnection } satisfies ConformanceHarness);
      });
    }
  });

  describe("keeps the metadata log's contract", () => {
    const byLog = new Map<MetadataLog, ZooKeeperClient>();
    for (const rule of metadataLogContract) {
      it(rule.name, async () => {
        const root = `/metadata-${cases++}`;
        const harness: ContractHarness = {
          isShared: true,
          connect: async () => {
            const client = await connect();
            const log = await ZooKeeperMetadataLog.open({ client, root, runtime });
            byLog.set(log, client);
            return log;
          },
          crash: async (log) => byLog.get(log)!.destroy(),
          expireSession: (log) => expire(byLog.get(log)!),
          close: async () => {},
        };
        await rule.run(harness);
      });
    }
  });

  it("a session outlives the server that it was with", async () => {
    const client = await connect(LONG_SESSION_TIMEOUT_MS);
    const { sessionId } = client;
    await client.create("/survivor", new Uint8Array(0), { ephemeral: true });
    for (const id of [1, 2, 3]) {
      await ensemble.killServer(id);
      const { stat } = await throughLoss(() => client.get("/survivor"));
      expect(stat.ephemeralOwner, `without server ${id}`).toBe(sessionId);
      ensemble.startServer(id);
      await ensemble.waitForServer(id);
    }
  });
});

/** What is under way while a server dies has no answer; the next time there is another server. */
async function throughLoss<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isZooKeeperError(error, "CONNECTION_LOSS")) throw error;
    return await read();
  }
}

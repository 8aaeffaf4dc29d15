import {
  alterClientQuotasApi,
  apiVersionsApi,
  createPartitionsApi,
  createTopicsApi,
  deleteTopicsApi,
  encodeRecordBatch,
  encodeRequest,
  produceApi,
  ZERO_UUID,
} from "@ottla/protocol";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { type RawConnection, TCP } from "../../fuzz/carriers.ts";
import type { BothBrokers, Side } from "../both-brokers.ts";

type Entity = Readonly<Record<string, string | null>>;

/** Apache Kafka answers an alteration before its quota managers have heard of it. */
const HEARD_MS = 500;

/** Nobody authenticates: the user of everybody. */
const USER = "ANONYMOUS";
const DEFAULT = null;

interface Throttled {
  readonly throttleTimeMs: number;
}

/** Who is held to which quota, and what that looks like. */
export function quotaEnforcementCases(both: () => BothBrokers): void {
  const altered: { entity: Entity; key: string }[] = [];
  const send = async (ops: readonly (readonly [entity: Entity, key: string, value: number | null])[]) => {
    const entries = ops.map(([entity, key, value]) => ({
      entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
      ops: [{ key, value: value ?? 0, remove: value === null }],
    }));
    for (const [entity, key, value] of ops) if (value !== null) altered.push({ entity, key });
    await both().ask(alterClientQuotasApi, 1, { entries, validateOnly: false });
  };
  const heard = () => new Promise((resolve) => setTimeout(resolve, HEARD_MS));
  const alter = async (ops: Parameters<typeof send>[0]) => {
    await send(ops);
    await heard();
  };
  /** Nothing of these: the brokers of the other cases are not to be slowed down. */
  afterEach(() => send(altered.splice(0).map(({ entity, key }) => [entity, key, null] as const)));
  afterAll(heard);

  describe("which quota counts", () => {
    const ALL: readonly (readonly [user: string | null | undefined, clientId: string | null | undefined])[] = [
      [USER, "name"],
      [USER, DEFAULT],
      [USER, undefined],
      [DEFAULT, "name"],
      [DEFAULT, DEFAULT],
      [DEFAULT, undefined],
      [undefined, "name"],
      [undefined, DEFAULT],
    ];
    /** So far apart that what was counted before of the same holder does not make one look like another. */
    const LIMITS = ALL.map((_, index) => 5 ** (7 - index));
    const SIZE_BYTES = 900_000;
    const records = encodeRecordBatch({ records: [{ value: new Uint8Array(SIZE_BYTES) }], timestampMs: Date.now() });

    /** The index of the limit by which a client that has sent so much, and nothing before, waits for so long. */
    const limitOf = ({ throttleTimeMs }: Throttled) => {
      const distances = LIMITS.map((limit) => Math.abs(Math.log(throttleTimeMs / (SIZE_BYTES / limit) / 1_000)));
      return throttleTimeMs === 0 ? "none" : distances.indexOf(Math.min(...distances));
    };

    it.each(ALL.map((_, first) => first))("the most specific: number %d of those from it on", async (first) => {
      const name = `precedence-${first}`;
      await both().createTopic(name);
      const entityOf = ([user, clientId]: (typeof ALL)[number]): Entity => ({
        ...(user !== undefined && { user }),
        ...(clientId !== undefined && { "client-id": clientId === "name" ? name : clientId }),
      });
      await alter(
        ALL.map((names, index) => [entityOf(names), "producer_byte_rate", LIMITS[index]!] as const).slice(first),
      );
      const client = both().as(name);
      const topicData = [{ name, partitionData: [{ index: 0, records }] }];
      const only = { only: (answer: never) => limitOf(answer) };
      expect(await client.same(produceApi, 9, { acks: -1, timeoutMs: 10_000, topicData }, only)).toBe(first);
      await client.stop();
    });
  });

  describe("controller_mutation_rate", () => {
    const TIMEOUT = { timeoutMs: 10_000 };
    const topic = (name: string, numPartitions: number) => ({
      ...{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] },
    });

    /** Whether the client is to wait, and what became of each thing; how long it waits depends on the clock. */
    const only = {
      only: (answer: never) => {
        const { throttleTimeMs, topics, results, responses } = answer as Throttled & {
          readonly [List in "topics" | "results" | "responses"]?: readonly { readonly errorCode: number }[];
        };
        const codes = (topics ?? results ?? responses)!.map(({ errorCode }) => errorCode);
        return { isToWait: throttleTimeMs > 0, codes };
      },
    };

    /** Sends one after the other, each on a new connection: those before are not read from. */
    const client = async (clientId: string) => {
      await alter([[{ "client-id": clientId }, "controller_mutation_rate", 0.1]]);
      return async (ask: (client: BothBrokers) => Promise<unknown>) => {
        const connection = both().as(clientId);
        const verdict = await ask(connection);
        await connection.stop();
        return verdict;
      };
    };

    it.each([4, 5, 6, 7])("CreateTopics v%i", async (version) => {
      const as = await client(`creates-${version}`);
      for (const name of ["first", "second", "third"]) {
        const topics = [topic(`quota-${version}-${name}`, 3)];
        await as((one) => one.same(createTopicsApi, version, { topics, ...TIMEOUT }, only));
      }
    });

    it("CreateTopics: some of one request", async () => {
      const as = await client("creates-some");
      const topics = [
        topic("quota-some-1", 1),
        topic("quota/wrong", 1),
        topic("quota-some-2", 1),
        topic("quota-some-3", 1),
      ];
      await as((one) => one.same(createTopicsApi, 7, { topics, ...TIMEOUT }, only));
    });

    it.each([5, 7])("CreateTopics v%i that only validates", async (version) => {
      const as = await client(`validates-${version}`);
      for (let i = 0; i < 2; i++) {
        const request = { topics: [topic(`quota-validated-${version}`, 3)], ...TIMEOUT, validateOnly: true };
        await as((one) => one.same(createTopicsApi, version, request, only));
      }
      const topics = [topic(`quota-validated-${version}`, 3)];
      await as((one) => one.same(createTopicsApi, version, { topics, ...TIMEOUT }, only));
    });

    it.each([2, 3])("CreatePartitions v%i", async (version) => {
      const name = `quota-increased-${version}`;
      await both().createTopic(name);
      const as = await client(`increases-${version}`);
      for (const validateOnly of [true, false]) {
        for (const count of validateOnly ? [4] : [4, 6]) {
          const topics = [{ name, count, assignments: null }];
          await as((one) => one.same(createPartitionsApi, version, { topics, ...TIMEOUT, validateOnly }, only));
        }
      }
    });

    it.each([4, 5, 6])("DeleteTopics v%i", async (version) => {
      const names = [1, 2].map((number) => `quota-deleted-${version}-${number}`);
      for (const name of names) await both().createTopic(name, 3);
      const as = await client(`deletes-${version}`);
      for (const name of names) {
        const request = version < 6 ? { topicNames: [name] } : { topics: [{ name, topicId: ZERO_UUID }] };
        await as((one) => one.same(deleteTopicsApi, version, { ...request, ...TIMEOUT }, only));
      }
    });
  });

  describe("connection_creation_rate", () => {
    const IP = { ip: "127.0.0.1" };
    const ALL_IPS = { ip: DEFAULT };
    const KEY = "connection_creation_rate";

    /** How many of so many new connections are served, and how many closed without that. */
    const connect = async ({ port }: Side, count: number) => {
      const connections: RawConnection[] = [];
      for (let index = 0; index < count; index++) {
        const connection = await TCP.open(port);
        connection.send(encodeRequest(apiVersionsApi, 0, { correlationId: index, clientId: "many" }, {}));
        connections.push(connection);
      }
      await Promise.all(connections.map(untilDecided));
      const served = connections.filter(({ frames }) => frames.length > 0).length;
      for (const connection of connections) connection.destroy();
      return { served, closed: count - served };
    };
    const untilDecided = async (connection: RawConnection) => {
      while (connection.frames.length === 0 && !connection.isClosed) await connection.changed(50);
    };
    const connectToBoth = async (count: number) => {
      const [ours, kafka] = await Promise.all(both().sides.map((side) => connect(side, count)));
      expect(ours).toEqual(kafka);
      return kafka;
    };

    it("of an address, and of all that have none", async () => {
      await alter([
        [ALL_IPS, KEY, 1],
        [IP, KEY, 1_000],
      ]);
      expect(await connectToBoth(15)).toEqual({ served: 15, closed: 0 });
      await alter([[IP, KEY, null]]);
      expect(await connectToBoth(5)).toEqual({ served: 0, closed: 5 });
      await alter([[ALL_IPS, KEY, null]]);
      expect(await connectToBoth(15)).toEqual({ served: 15, closed: 0 });
    });

    it("of another address is nobody else's", async () => {
      await alter([[{ ip: "10.1.2.3" }, KEY, 1]]);
      expect(await connectToBoth(15)).toEqual({ served: 15, closed: 0 });
    });
  });
}

import {
  type ApiDefinition,
  apiVersionsApi,
  describeAclsApi,
  findCoordinatorApi,
  initProducerIdApi,
} from "@ottla/protocol";
import { allApis } from "@ottla/protocol/internal";
import { describe, expect, it } from "vitest";
import { type BothBrokers, CLOSED, type Side } from "../both-brokers.ts";

interface Versions {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** A request of any version, known or not: a header as that version has it, and no body. */
function bodyless(apiKey: number, version: number, isFlexible: boolean): Uint8Array {
  const clientId = new TextEncoder().encode("judge");
  const frame = new DataView(new ArrayBuffer(4 + 10 + clientId.length + (isFlexible ? 1 : 0)));
  frame.setInt32(0, frame.byteLength - 4);
  frame.setInt16(4, apiKey);
  frame.setInt16(6, version);
  frame.setInt32(8, 77);
  frame.setInt16(12, clientId.length);
  const bytes = new Uint8Array(frame.buffer);
  bytes.set(clientId, 14);
  return bytes;
}

/** What a broker makes of such a request: the answer's bytes without the correlation id, or the end. */
async function outcome(side: Side, frame: Uint8Array): Promise<string> {
  const answer = await side.exchange([frame]);
  return answer === null ? CLOSED : Buffer.from(answer).toString("hex");
}

/** What an error means is said in words of its own. */
const TEXTS_DIFFER = { ignoring: ["errorMessage"] };

export function connectionCases(both: () => BothBrokers): void {
  describe("ApiVersions", () => {
    const software = { clientSoftwareName: "judge", clientSoftwareVersion: "1.0" };

    it.each([0, 1, 2, 3, 4])("v%i: every API that is here, in Apache Kafka's versions; its features", async (v) => {
      const [ours, kafka] = (await both().ask(apiVersionsApi, v, v >= 3 ? software : {})) as {
        apiKeys: Versions[];
        supportedFeatures: { name: string }[];
        finalizedFeatures: { name: string }[];
      }[];
      const theirs = new Map(kafka!.apiKeys.map((api) => [api.apiKey, api]));
      expect(ours!.apiKeys).toEqual(ours!.apiKeys.map(({ apiKey }) => theirs.get(apiKey)));
      for (const kind of ["supportedFeatures", "finalizedFeatures"] as const) {
        const known = new Map(kafka![kind].map((feature) => [feature.name, feature]));
        const own = ours![kind].filter(({ name }) => name !== "metadata.version"); // each has metadata of its own
        expect.soft(own, kind).toEqual(own.map(({ name }) => known.get(name)));
      }
      const rest = ({ apiKeys: _, supportedFeatures: __, finalizedFeatures: ___, ...more }: Record<string, unknown>) =>
        more;
      await both().same(apiVersionsApi, v, v >= 3 ? software : {}, {
        only: rest,
        ignoring: ["finalizedFeaturesEpoch"],
      });
    });

    it("the name and version of a client's software are checked", async () => {
      const names = ["", "-x", "x-", "a b", "apache-kafka-java", "x.", "x_y", "ä", "x".repeat(300)];
      for (const v of [3, 4]) {
        for (const name of names) {
          const asName = { clientSoftwareName: name, clientSoftwareVersion: "1.0" };
          const asVersion = { clientSoftwareName: "judge", clientSoftwareVersion: name };
          const only = ({ errorCode, apiKeys }: { errorCode: number; apiKeys: unknown[] }) => [
            errorCode,
            apiKeys.length > 0,
          ];
          await both().same(apiVersionsApi, v, asName, { only });
          await both().same(apiVersionsApi, v, asVersion, { only });
        }
      }
    });

    it.each([5, 6, 127, 32_767, -1, -32_768])("v%i, which there is not: answered in v0", async (v) => {
      for (const isFlexible of [true, false]) {
        const [ours, kafka] = await Promise.all(both().sides.map((side) => outcome(side, bodyless(18, v, isFlexible))));
        expect(ours).toBe(kafka);
      }
    });
  });

  describe("versions at the edges of every API", () => {
    const apis: readonly ApiDefinition[] = allApis;
    it.each(apis.filter(({ name }) => name !== "ApiVersions").map((api) => [api.name, api] as const))(
      "%s",
      async (_, api) => {
        const [ours, kafka] = (await both().ask(apiVersionsApi, 2, {})) as { apiKeys: Versions[] }[];
        const known = ours!.apiKeys.find(({ apiKey }) => apiKey === api.key);
        const theirs = kafka!.apiKeys.find(({ apiKey }) => apiKey === api.key);
        const { minVersion, maxVersion } = known ?? theirs ?? { minVersion: 0, maxVersion: 0 };
        const below = api.name === "Produce" ? [2, 1, 0, -1] : [minVersion - 1, -1, -32_768];
        for (const version of new Set([...below, maxVersion + 1, 32_767])) {
          for (const isFlexible of [true, false]) {
            const frame = bodyless(api.key, version, isFlexible);
            const [mine, judged] = await Promise.all(both().sides.map((side) => outcome(side, frame)));
            expect.soft(mine, `${api.name} v${version}`).toBe(judged);
            expect.soft(mine, `${api.name} v${version}`).toBe(CLOSED);
          }
        }
      },
    );

    it.each([70, 93, 1000, -1, -32_768])("an API that there is not: %i", async (key) => {
      const [ours, kafka] = await Promise.all(both().sides.map((side) => outcome(side, bodyless(key, 0, true))));
      expect([ours, kafka]).toEqual([CLOSED, CLOSED]);
    });
  });

  describe("FindCoordinator", () => {
    it.each([0, 1, 2, 3])("v%i", async (v) => {
      for (const keyType of v >= 1 ? [0, 1, 2, 3, 99, -1] : [0]) {
        for (const key of ["a-group", ""]) {
          await both().same(findCoordinatorApi, v, { key, ...(v >= 1 && { keyType }) }, TEXTS_DIFFER);
        }
      }
    });
    it.each([4, 5, 6])("v%i", async (v) => {
      for (const keyType of [0, 1, 3, 99]) {
        for (const coordinatorKeys of [["a-group", "another"], ["a-group", "a-group"], ["", "a-group"], []]) {
          await both().same(findCoordinatorApi, v, { keyType, coordinatorKeys }, { ...TEXTS_DIFFER, inAnyOrder: true });
          if (keyType > 1) continue;
          await both().same(findCoordinatorApi, v, { keyType, coordinatorKeys }, { inAnyOrder: true });
        }
      }
    });
  });

  describe("security, which there is none of", () => {
    it.each([1, 2, 3])("DescribeAcls v%i", async (v) => {
      await both().same(describeAclsApi, v, {
        resourceTypeFilter: 1,
        resourceNameFilter: null,
        ...(v >= 1 && { patternTypeFilter: 3 }),
        principalFilter: null,
        hostFilter: null,
        operation: 1,
        permissionType: 1,
      });
    });
  });

  describe("InitProducerId", () => {
    const alone = { ignoring: ["producerId"] };
    it.each([0, 1, 2, 3, 4, 5])("v%i", async (v) => {
      await both().same(initProducerIdApi, v, { transactionalId: null, transactionTimeoutMs: 1000 }, alone);
      await both().same(initProducerIdApi, v, { transactionalId: null, transactionTimeoutMs: -1 }, alone);
      await both().same(initProducerIdApi, v, { transactionalId: "", transactionTimeoutMs: 1000 }, alone);
      if (v < 3) return;
      const given = { transactionalId: null, transactionTimeoutMs: 1000 };
      await both().same(initProducerIdApi, v, { ...given, producerId: 5, producerEpoch: -1 }, alone);
      await both().same(initProducerIdApi, v, { ...given, producerId: -1, producerEpoch: 5 }, alone);
      await both().same(initProducerIdApi, v, { ...given, producerId: 5, producerEpoch: 5 }, alone);
    });
  });
}

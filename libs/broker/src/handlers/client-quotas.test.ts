import { alterClientQuotasApi, describeClientQuotasApi, ErrorCode } from "@ottla/protocol";
import { createMemoryDisk } from "@ottla/runtime";
import { afterEach, describe, expect, it } from "vitest";
import { TestBroker, type TestBrokerOptions } from "../test-support/test-broker.ts";

let test: TestBroker;

const start = async (options: TestBrokerOptions = {}) => {
  test = await TestBroker.start(options);
};
afterEach(() => test[Symbol.asyncDispose]());

const alter = (version: number, entityType: string, entityName: string | null, key: string, value: number) =>
  test.client.send(alterClientQuotasApi, version, {
    entries: [{ entity: [{ entityType, entityName }], ops: [{ key, value, remove: false }] }],
    validateOnly: false,
  });
const described = async (version = 1) =>
  (await test.client.send(describeClientQuotasApi, version, { components: [], strict: false })).entries;

describe("client quotas", () => {
  it.each([0, 1])("are altered and described in v%i", async (version) => {
    await start();
    const entity = [{ entityType: "user", entityName: null }];
    const { entries } = await alter(version, "user", null, "request_percentage", 12.5);
    expect(entries).toEqual([{ errorCode: ErrorCode.NONE, errorMessage: null, entity }]);
    expect(await described(version)).toEqual([{ entity, values: [{ key: "request_percentage", value: 12.5 }] }]);
  });

  it("survive a restart, with and without a snapshot", async () => {
    const disk = createMemoryDisk();
    const config = { "metadata.log.max.record.bytes.between.snapshots": 1 };
    await start({ disk });
    await alter(1, "client-id", "c", "producer_byte_rate", 1000);
    await test[Symbol.asyncDispose]();
    await start({ disk, config });
    expect(await described()).toMatchObject([{ values: [{ value: 1000 }] }]);
    await alter(1, "client-id", "c", "consumer_byte_rate", 2000);
    await test[Symbol.asyncDispose]();
    await start({ disk });
    expect(await described()).toMatchObject([{ values: [{ value: 2000 }, { value: 1000 }] }]);
  });

  it("are told in the order of Apache Kafka's hash maps: parts of an entity, entities, quotas", async () => {
    await start();
    const user = { entityType: "user", entityName: "User1" };
    const client = { entityType: "client-id", entityName: "Client1" };
    const ops = ["producer_byte_rate", "consumer_byte_rate", "request_percentage"].map((key) => ({
      key,
      value: 1000,
      remove: false,
    }));
    const altered = await test.client.send(alterClientQuotasApi, 1, {
      entries: [
        { entity: [user, client], ops },
        { entity: [user], ops },
      ],
      validateOnly: false,
    });
    expect(altered.entries.map(({ entity }) => entity)).toEqual([[user], [client, user]]);
    const values = ["consumer_byte_rate", "request_percentage", "producer_byte_rate"].map((key) => ({
      key,
      value: 1000,
    }));
    expect(await described()).toEqual([
      { entity: [user], values },
      { entity: [client, user], values },
    ]);
  });

  it("are refused one by one, and a filter as a whole", async () => {
    await start();
    const { entries } = await alter(1, "user", "u", "producer_byte_rate", -1);
    expect(entries).toMatchObject([{ errorCode: ErrorCode.INVALID_REQUEST, entity: [{ entityName: "u" }] }]);
    const components = [{ entityType: "user", matchType: 9, match: null }];
    const refused = await test.client.send(describeClientQuotasApi, 1, { components, strict: false });
    expect(refused).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, entries: null });
    expect(await described()).toEqual([]);
  });
});

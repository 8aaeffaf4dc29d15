import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Admin, KafkaError, PartialFailureError } from "@ottla/admin";
import { describe, expect, it } from "vitest";
import { checkClock } from "./check-clock.ts";
import { checkDisks, checkGroups, diskFindings } from "./check-cluster.ts";
import { type BrokerVersions, versionFindings } from "./check-versions.ts";
import { clusterFindings } from "./examine.ts";

/** The clock is asked for over HTTP alone. */
const NO_ADMIN = null as unknown as Admin;

async function clockFindings(aheadMs: number) {
  const server = createServer((_, response) => response.end(JSON.stringify({ atMs: Date.now() + aheadMs })));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const brokers = [{ nodeId: 1, host: "127.0.0.1", port, url: null }];
  const findings = await checkClock(NO_ADMIN, { clusterId: "c", controllerId: 1, brokers });
  server.close();
  return findings;
}

describe("the doctor", () => {
  it("asks once who is registered, for all that it says of it", async () => {
    let asked = 0;
    const brokers = [
      { id: 1, isFenced: true },
      { id: 2, isFenced: false },
    ];
    const described: string[] = [];
    const admin = {
      async describeCluster() {
        asked++;
        return { brokers };
      },
      async describeConfigs([{ name }]: [{ name: string }]) {
        described.push(name);
        return [{ entries: [{ key: "min.insync.replicas", value: "3", source: "file" }] }];
      },
    } as unknown as Admin;
    const found: string[] = [];
    for await (const { what } of clusterFindings(
      admin,
      { clusterId: "c", controllerId: 2, brokers: [] },
      async () => [],
    ))
      found.push(what);
    expect(found).toContain("Broker 1 is registered, but takes no part (it is fenced).");
    expect(found).toContain("min.insync.replicas=3 ask for more than the 2 broker(s) that there are.");
    expect([asked, described]).toEqual([1, ["2"]]);
  });

  it("tells of a broker's clock that is off, and which way", async () => {
    expect(await clockFindings(0)).toMatchObject([{ level: "good" }]);
    expect(await clockFindings(60_000)).toMatchObject([
      { level: "warn", what: expect.stringMatching(/clock of broker 1 is \d+ ms ahead/), advice: expect.any(String) },
    ]);
    expect(await clockFindings(-60_000)).toMatchObject([{ what: expect.stringMatching(/\d+ ms behind/) }]);
  });

  it("tells of a group whose lag grows while it looks, and of one that nobody is in", async () => {
    let end = 100;
    const committed = { slow: 90, well: 100, idle: 70 } as const;
    const lists = { slow: "Stable", well: "Stable", idle: "Empty" };
    const admin = {
      listGroups: async () => Object.entries(lists).map(([groupId, state]) => ({ groupId, state })),
      async listGroupOffsets(groupId: keyof typeof committed) {
        const offset = groupId === "well" ? end : committed[groupId];
        return [{ topic: "orders", partition: 0, offset }];
      },
      async listOffsets() {
        const offsets = [{ topic: "orders", partition: 0, offset: end }];
        end += 7;
        return offsets;
      },
    } as unknown as Admin;
    expect(await checkGroups(admin, 1)).toEqual([
      {
        level: "warn",
        what: "Group slow is 17 records behind, 7 more than 1 ms before.",
        advice: expect.stringContaining("too slow, or stuck"),
      },
      {
        level: "warn",
        what: "Group idle has no members, and 37 records to read.",
        advice: "Its consumers are not running.",
      },
    ]);
  });

  describe("of versions", () => {
    const broker = (nodeId: number, changes: Partial<BrokerVersions> = {}): BrokerVersions => ({
      nodeId,
      apis: new Map([
        [0, { min: 3, max: 13 }],
        [1, { min: 4, max: 18 }],
      ]),
      supported: new Map([["group.version", { min: 0, max: 1 }]]),
      finalized: new Map([["group.version", 1]]),
      ...changes,
    });

    it("finds nothing wrong where all brokers are of one release", () => {
      expect(versionFindings([broker(1), broker(2)])).toEqual([
        { level: "good", what: "Features in force: group.version 1." },
      ]);
      expect(versionFindings([broker(1, { supported: new Map(), finalized: new Map() })])).toMatchObject([
        { level: "good", what: "The brokers tell of no features." },
      ]);
    });

    it("tells of a broker that cannot do what is in force", () => {
      const old = broker(2, { supported: new Map([["group.version", { min: 0, max: 0 }]]), finalized: new Map() });
      expect(versionFindings([broker(1), old])).toMatchObject([
        { level: "bad", what: "Feature group.version is at level 1, and broker 2 can do 0 to 0." },
        { level: "good" },
      ]);
      const unknowing = broker(3, { supported: new Map([["other", { min: 0, max: 1 }]]) });
      expect(versionFindings([unknowing])[0]).toMatchObject({
        level: "bad",
        what: "Feature group.version is at level 1, and broker 3 does not know it.",
      });
    });

    it("tells of a broker that is older than another one, and by what", () => {
      const old = broker(1, { apis: new Map([[0, { min: 0, max: 11 }]]) });
      expect(versionFindings([old, broker(2)])).toMatchObject([
        {
          level: "warn",
          what: "Broker 1 is older than broker 2: it serves Produce up to 11 (13), Fetch not at all (18).",
        },
        { level: "good" },
      ]);
    });

    it("says which levels could be raised", () => {
      const able = { supported: new Map([["group.version", { min: 0, max: 2 }]]) };
      expect(versionFindings([broker(1, able)])).toMatchObject([
        { level: "good", what: "Features in force: group.version 1 (2 is possible)." },
      ]);
      expect(versionFindings([broker(1, able), broker(2)])).toMatchObject([
        { level: "good", what: "Features in force: group.version 1." },
      ]);
    });
  });

  it("tells of a disk that is nearly full, and passes over those that do not tell", () => {
    const disk = (usableBytes: number) => ({ broker: 2, path: "/data", totalBytes: 1_000, usableBytes });
    expect(diskFindings([disk(100)])).toMatchObject([{ level: "good" }]);
    expect(diskFindings([disk(99), { ...disk(0), totalBytes: -1 }])).toEqual([
      {
        level: "bad",
        what: "Only 10% of the disk below /data of broker 2 is free.",
        advice: expect.stringContaining("make room"),
      },
    ]);
    expect(diskFindings([disk(0)])).toMatchObject([{ what: expect.stringMatching(/^Only 0% /) }]);
  });

  it("tells of a log directory that has failed, and of the others all the same", async () => {
    const error = new KafkaError("The disk failed.", { code: "KAFKA_STORAGE_ERROR", errno: 56 });
    const well = { broker: 1, path: "/data1", totalBytes: 1_000, usableBytes: 500 };
    const failure = new PartialFailureError("describeLogDirs", [{ resource: "broker 1, /data2", error }], 2, [well]);
    const admin = { describeLogDirs: () => Promise.reject(failure) } as unknown as Admin;
    expect(await checkDisks(admin)).toMatchObject([
      { level: "bad", what: "A log directory has failed: broker 1, /data2." },
      { level: "good", what: "50% of the disk below /data1 of broker 1 is free." },
    ]);
  });
});

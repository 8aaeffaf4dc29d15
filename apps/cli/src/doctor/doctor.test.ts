import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Admin, KafkaError, PartialFailureError } from "@ottla/admin";
import { describe, expect, it } from "vitest";
import { checkClock } from "./check-clock.ts";
import { checkDisks, diskFindings } from "./check-cluster.ts";
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
    for await (const { what } of clusterFindings(admin, { clusterId: "c", controllerId: 2, brokers: [] }))
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

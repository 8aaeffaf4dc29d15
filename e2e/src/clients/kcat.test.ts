import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { clientTargets, type RunningTarget } from "../harness/client-targets.ts";
import { external } from "../harness/external.ts";
import { run } from "../harness/process.ts";
import { itIsDissected } from "../harness/tshark.ts";
import { twice } from "../harness/twice.ts";

const kcat = external.kcat;

describe.skipIf(kcat === null).each(clientTargets)("librdkafka through kcat on $name", ({ start, isCluster }) => {
  let broker: RunningTarget;
  const invoke = (args: readonly string[], input?: string) =>
    run(kcat ?? "", ["-b", broker.bootstrapServers, ...args], input === undefined ? {} : { input });

  beforeAll(async () => {
    broker = await start({ "num.partitions": 3 });
  });
  afterAll(() => broker?.stop());

  twice("lists the broker and its topics", async () => {
    await invoke(["-P", "-t", "kcat-listed"], "one\n");
    const { stdout, code } = await invoke(["-L", "-J"]);
    expect(code).toBe(0);
    const metadata = JSON.parse(stdout);
    const addresses = metadata.brokers.map(({ name }: { name: string }) => name);
    expect(addresses.sort()).toEqual(broker.bootstrapServers.split(",").sort());
    const listed = metadata.topics.find((topic: { topic: string }) => topic.topic === "kcat-listed");
    expect(listed.partitions).toHaveLength(3);
  });

  for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
    for (const idempotent of [false, true]) {
      twice(`produces and consumes with ${codec}${idempotent ? ", idempotently" : ""}`, async (round) => {
        const topic = `kcat-${codec}-${idempotent}`;
        const lines = Array.from({ length: 500 }, (_, i) => `k${i}:${"value ".repeat(20)}${i}`);
        const config = ["-X", `compression.codec=${codec}`, "-X", `enable.idempotence=${idempotent}`, "-X", "acks=all"];
        const produced = await invoke(["-P", "-t", topic, "-K", ":", ...config], `${lines.join("\n")}\n`);
        expect(produced).toMatchObject({ code: 0, stderr: "" });
        const consumed = await invoke([
          "-C",
          "-t",
          topic,
          "-K",
          ":",
          "-o",
          "beginning",
          "-e",
          "-q",
          "-X",
          "check.crcs=true",
        ]);
        expect(consumed.stdout.trim().split("\n").sort()).toEqual(Array(round).fill(lines).flat().sort());
      });
    }
  }

  twice("keeps headers, nulls and timestamps", async () => {
    await invoke(
      ["-P", "-t", "kcat-headers", "-p", "0", "-K", ":", "-Z", "-H", "a=1", "-H", "a=2", "-H", "b="],
      "key:\n",
    );
    const { stdout } = await invoke(["-C", "-t", "kcat-headers", "-p", "0", "-o", "beginning", "-e", "-q", "-J"]);
    const record = JSON.parse(stdout.trim().split("\n").at(-1)!);
    expect(record).toMatchObject({ key: "key", payload: null, headers: ["a", "1", "a", "2", "b", ""] });
    expect(Math.abs(record.ts - Date.now())).toBeLessThan(60_000);
  });

  twice("reads in a group and resumes where it committed", async () => {
    const topic = "kcat-group";
    await invoke(["-P", "-t", topic], "1\n2\n3\n");
    const group = ["-G", "kcat-group-1", "-X", "auto.offset.reset=earliest", "-e", "-q", topic];
    expect((await invoke(group)).stdout.trim().split("\n").sort()).toEqual(["1", "2", "3"]);
    await invoke(["-P", "-t", topic], "4\n5\n");
    expect((await invoke(group)).stdout.trim().split("\n").sort()).toEqual(["4", "5"]);
  });

  twice("finds offsets by time", async (round) => {
    const topic = "kcat-by-time";
    await invoke(["-P", "-t", topic, "-p", "0"], "old\n");
    await new Promise((resolve) => setTimeout(resolve, 50));
    const sinceMs = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await invoke(["-P", "-t", topic, "-p", "0"], "new\n");
    const { stdout } = await invoke(["-Q", "-t", `${topic}:0:${sinceMs}`]);
    expect(stdout.trim()).toMatch(new RegExp(`offset ${2 * round - 1}$`));
  });

  it("is told the address that it reached where the broker was given none to advertise", async () => {
    await using plain = await BrokerProcess.start();
    const { stdout } = await run(kcat ?? "", ["-b", plain.bootstrapServers, "-L", "-J"]);
    expect(JSON.parse(stdout).brokers).toMatchObject([{ name: `127.0.0.1:${plain.port}` }]);
  });

  if (!isCluster) itIsDissected(() => broker.frames);
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { startCluster, startTestBroker } from "@ottla/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { OTTLA_COMMAND, ottla } from "../harness/ottla-command.ts";

interface Place {
  readonly bootstrapServers: string;
  stop(): Promise<unknown>;
}

let brokerProcess: BrokerProcess;

/** What the commands are tried on. */
const PLACES: readonly (readonly [name: string, brokers: number, start: () => Promise<Place>])[] = [
  [
    "one broker",
    1,
    async () => {
      brokerProcess = await BrokerProcess.start();
      return brokerProcess;
    },
  ],
  [
    "a cluster",
    3,
    async () => {
      const cluster = await startCluster();
      return { bootstrapServers: cluster.bootstrapServers, stop: () => cluster.close() };
    },
  ],
];

describe.each(PLACES)("the ottla command, on %s", (_place, brokers, startPlace) => {
  let broker: Place;
  let directory: string;
  const client = (args: readonly string[], input?: string) => {
    const where = args.includes("--bootstrap") ? [] : ["--bootstrap", broker.bootstrapServers];
    return ottla([...args, ...where], input === undefined ? {} : { input });
  };
  const succeed = async (args: readonly string[], input?: string) => {
    const result = await client(args, input);
    expect(result, args.join(" ")).toMatchObject({ code: 0, stderr: "" });
    return result.stdout;
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "ottla-cli-"));
    broker = await startPlace();
  });
  afterAll(async () => {
    await broker?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  if (brokers === 1) {
    it("says ready with its addresses and the milliseconds it took", () => {
      const { output, port } = brokerProcess;
      expect(output).toMatch(new RegExp(`ready .*localhost:${port}.*ws://localhost:${port}.* \\d+ ms`));
    });
  }

  it("creates, lists, describes, alters and deletes topics", async () => {
    await succeed(["topics", "create", "cli-a", "--partitions", "2", "--config", "retention.ms=60000"]);
    await succeed(["topics", "create", "cli-a", "--if-not-exists"]);
    expect(await succeed(["topics", "list"])).toMatch(new RegExp(`cli-a +2 +${brokers}`));
    await succeed(["topics", "alter", "cli-a", "--partitions", "3", "--config", "cleanup.policy=compact"]);
    const [described] = JSON.parse(await succeed(["topics", "describe", "cli-a", "--json"]));
    expect(described).toMatchObject({
      name: "cli-a",
      configs: { "retention.ms": "60000", "cleanup.policy": "compact" },
    });
    expect(described.partitions).toHaveLength(3);
    await succeed(["topics", "alter", "cli-a", "--delete-config", "retention.ms"]);
    expect(await succeed(["topics", "describe", "cli-a"])).not.toMatch(/retention\.ms/);
    await succeed(["topics", "delete", "cli-a"]);
    expect(await succeed(["topics", "list", "--json"])).not.toContain("cli-a");
  });

  it("tells programs in JSON what it has created, altered and deleted", async () => {
    const json = async (...args: string[]) => JSON.parse(await succeed([...args, "--json"]));
    expect(await json("topics", "create", "cli-j", "--partitions", "2")).toMatchObject([
      { name: "cli-j", partitions: 2 },
    ]);
    expect(await json("topics", "create", "cli-j", "--if-not-exists")).toEqual([]);
    const altered = await json("topics", "alter", "cli-j", "--partitions", "3", "--config", "retention.ms=1000");
    expect(altered).toEqual({ name: "cli-j", partitions: 3, changes: [{ key: "retention.ms", value: "1000" }] });
    await succeed(["produce", "cli-j"], "1\n");
    await succeed(["consume", "cli-j", "--group", "cli-jg", "--from", "beginning", "--max", "1"]);
    expect(await json("groups", "delete", "cli-jg")).toEqual([{ groupId: "cli-jg" }]);
    expect(await json("topics", "delete", "cli-j")).toEqual([{ name: "cli-j" }]);
  });

  it("produces lines from standard input and consumes them", async () => {
    await succeed(["topics", "create", "cli-lines"]);
    await succeed(["produce", "cli-lines", "--key-separator", ":"], "k1:v1\nk2:v2:x\n:v3\n");
    expect(await succeed(["consume", "cli-lines", "--from", "beginning", "--max", "3"])).toBe(
      "k1\tv1\nk2\tv2:x\n\tv3\n",
    );
    expect(await succeed(["consume", "cli-lines", "--from", "2", "--max", "1"])).toBe("\tv3\n");
  });

  it("many records at once are nothing to warn of", async () => {
    await succeed(["topics", "create", "cli-many", "--partitions", "12"]);
    await succeed(["produce", "cli-many"], "line\n".repeat(200));
    const read = ["consume", "cli-many", "--from", "beginning", "--max", "200"];
    expect((await succeed(read)).split("\n")).toHaveLength(201);
    expect((await succeed([...read, "--group", "cli-many"])).split("\n")).toHaveLength(201);
  });

  it("produces a record that is larger than a request may be where it is told how large one may be", async () => {
    await succeed(["topics", "create", "cli-large", "--config", "max.message.bytes=3000000"]);
    const line = `${"x".repeat(1_500_000)}\n`;
    const refused = await client(["produce", "cli-large"], line);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/maxRequestSize, 1048576; raise that/)]);
    await succeed(["produce", "cli-large", "--max-request-size", "3000000"], line);
    expect(await succeed(["consume", "cli-large", "--from", "beginning", "--max", "1"])).toBe(line);
    await succeed(["perf", "produce", "cli-large", "-n", "2", "-s", "1500000", "--max-request-size", "3000000"]);
  });

  it("produces JSON lines from a file and consumes JSON", async () => {
    await succeed(["topics", "create", "cli-json"]);
    const file = join(directory, "records.ndjson");
    const records = [
      { key: "a", value: { n: 1 }, headers: [["h", "1"]] },
      { key: null, value: null },
    ];
    await writeFile(file, records.map((record) => JSON.stringify(record)).join("\n"));
    await succeed(["produce", "cli-json", "--json", "--file", file, "--compression", "zstd"]);
    const lines = (await succeed(["consume", "cli-json", "--from", "beginning", "--max", "2", "--json"]))
      .trim()
      .split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { offset: 0, key: "a", value: '{"n":1}', headers: [["h", "1"]] },
      { offset: 1, key: null, value: null, headers: [] },
    ]);
  });

  it("takes what consume --json prints in produce --json, byte by byte", async () => {
    const { bootstrapServers } = broker;
    await succeed(["topics", "create", "cli-pipe-from", "cli-pipe-to", "--partitions", "3"]);
    const bytes = Uint8Array.of(0, 255, 128, 10, 0xc3);
    const marked = Uint8Array.of(0xef, 0xbb, 0xbf, 65);
    {
      await using producer = new Producer({ bootstrapServers, transactionalId: "cli-pipe" });
      await producer.transaction(async (transaction) => {
        const topic = "cli-pipe-from";
        await transaction.send([
          {
            topic,
            partition: 0,
            key: "k",
            value: "väl\u2028ue\n",
            headers: [
              ["a", "1"],
              ["a", null],
              ["b", bytes],
            ],
          },
          { topic, partition: 0, key: bytes, value: bytes, timestampMs: 1_234_567_890_123 },
          { topic, partition: 0, key: null, value: null },
          { topic, partition: 2, key: "", value: "", timestampMs: 0 },
          { topic, partition: 2, key: marked, value: '{"base64":"AP8="}' },
        ]);
      });
    }
    // The partitions end with a marker of the transaction, which is no record; partition 1 has none at all.
    const lines = await succeed(["consume", "cli-pipe-from", "--from", "beginning", "--until-end", "--json"]);
    await succeed(["produce", "cli-pipe-to", "--json"], lines);
    const records = async (topic: string) => {
      await using consumer = new Consumer({ bootstrapServers, allowAutoCreateTopics: false });
      consumer.assign([0, 1, 2].map((partition) => ({ topic, partition })));
      consumer.seekToBeginning();
      const found: unknown[] = [];
      for await (const { partition, offset, timestampMs, keyBytes, valueBytes, headers } of consumer) {
        found.push({ partition, offset, timestampMs, keyBytes, valueBytes, headers: [...headers] });
        if (found.length === 5) break;
      }
      return found.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
    };
    const written = await records("cli-pipe-from");
    expect(written).toContainEqual(expect.objectContaining({ keyBytes: bytes, timestampMs: 1_234_567_890_123 }));
    expect(await records("cli-pipe-to")).toEqual(written);
  });

  it("reads up to where the topic ended at the start, from wherever it began", async () => {
    await succeed(["topics", "create", "cli-end", "--partitions", "4"]);
    const read = (...args: string[]) => succeed(["consume", "cli-end", "--until-end", ...args]);
    expect(await read("--from", "beginning")).toBe("");
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`);
    await succeed(["produce", "cli-end"], `${lines.join("\n")}\n`);
    expect((await read("--from", "beginning")).trim().split("\n").sort()).toEqual([...lines].sort());
    expect((await read("--from", "beginning", "--max", "7")).trim().split("\n")).toHaveLength(7);
    expect(await read("--from", new Date(Date.now() + 60_000).toISOString())).toBe("");
  });

  it("consumes from a time", async () => {
    await succeed(["topics", "create", "cli-time"]);
    await succeed(["produce", "cli-time"], "old\n");
    await new Promise((resolve) => setTimeout(resolve, 20));
    const time = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await succeed(["produce", "cli-time"], "new\n");
    expect(await succeed(["consume", "cli-time", "--from", time, "--max", "1"])).toBe("new\n");
  });

  it("consumes in a group, goes on where it committed, and shows the group's lag", async () => {
    await succeed(["topics", "create", "cli-group"]);
    await succeed(["produce", "cli-group"], "1\n2\n3\n");
    const consume = ["consume", "cli-group", "--group", "cli-g", "--from", "beginning", "--max"];
    expect(await succeed([...consume, "2"])).toBe("1\n2\n");
    expect(await succeed(["groups", "list"])).toMatch(/cli-g +Empty +classic/);
    expect(await succeed(["groups", "describe", "cli-g"])).toMatch(/cli-group +0 +2 +3 +1 /);
    expect(await succeed([...consume, "1"])).toBe("3\n");
  });

  it.each<[string[], number, RegExp]>([
    [["topics", "delete", "nowhere"], 1, /nowhere.*UNKNOWN_TOPIC_OR_PARTITION/],
    [["topics", "create", "bad name"], 1, /INVALID_TOPIC_EXCEPTION/],
    [["topics", "create", "x", "--config", "retention.mss=1"], 1, /retention\.mss.*INVALID_CONFIG/s],
    [["topics", "create", "x", "--partitions", "0"], 2, /at least 1/],
    [["topics", "create", "x", "--partitions", "1e3"], 2, /at least 1/],
    [["broker", "--memory", "--port", ""], 2, /at least 0/],
    [["topics", "create", "x", "--partitions", "99999999999"], 2, /at least 1 and at most 2147483647 is expected/],
    [["topics", "create", "x", "--replication-factor", "32768"], 2, /at least 1 and at most 32767 is expected/],
    [["topics", "list", "--bootstrap", "localhost:1,ws://localhost:1"], 2, /--bootstrap: give either host:port or Web/],
    [["perf", "produce", "x", "--throughput", "fast"], 2, /at least 1, or -1, is expected/],
    [["perf", "consume", "nowhere"], 1, /nowhere.*UNKNOWN_TOPIC_OR_PARTITION/],
    [["consume", "x", "--group", ""], 2, /--group is empty/],
    [["configs", "describe", "x", "--type", "broker"], 2, /name is "x"; it must be the id of a broker/],
    [["configs", "describe", "4711", "--type", "broker"], 1, /no broker 4711 in this cluster: its brokers are 1/],
    [["configs", "alter", "4711", "--type", "broker", "--set", "log.roll.ms=9"], 1, /no broker 4711 in this cluster/],
    [["configs", "describe", "cli-lines", "--key", "retention.hours"], 2, /no config retention\.hours of a topic/],
    [["perf", "latency", "nowhere"], 1, /nowhere.*UNKNOWN_TOPIC_OR_PARTITION/],
    [["topics", "alter", "x"], 2, /nothing to alter/],
    [["topics", "frobnicate"], 2, /unknown command/],
    [["consume", "nowhere"], 1, /nowhere.*UNKNOWN_TOPIC_OR_PARTITION/],
    [["consume", "x", "--from", "yesterday"], 2, /beginning, end, an offset/],
    [["consume", "x", "--group", "g", "--from", "3"], 2, /exclude each other/],
    [["consume", "x", "--group", "g", "--until-end", "--from", "beginning"], 2, /--until-end and --group exclude/],
    [["consume", "x", "--until-end"], 2, /--until-end needs a --from before the end/],
    [["produce", "x", "--file", "/does/not/exist"], 2, /cannot be read/],
    [["produce", "x", "--file", "/"], 2, /The file \/ cannot be read: it is a directory/],
    [["produce", "x", "--key-separator", ""], 2, /--key-separator is empty/],
    [["produce", "x", "--json", "--key-separator", ":"], 2, /exclude each other/],
    [["groups", "describe", "nobody"], 1, /GROUP_ID_NOT_FOUND/],
    [["topics", "list", "--bootstrap", "localhost"], 2, /--bootstrap: "localhost".*write "localhost:9092"/],
    [["topics", "list", "--bootstrap", "localhost:99999"], 2, /a port lies between 1 and 65535/],
    [["topics", "list", "--bootstrap", "http://localhost:9092"], 2, /use "ws:\/\/localhost:9092"/],
  ])("%j ends with code %i and says what is wrong", async (args, code, message) => {
    const result = await client(args);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/\n\s+at /);
    expect(result.code).toBe(code);
  });

  it("says that standard input is a directory, which reads like an empty one", async () => {
    const directoryFd = await open(directory);
    const stdio = [directoryFd.fd, "ignore", "pipe"] as const;
    const command = spawn(process.execPath, [OTTLA_COMMAND, "produce", "x"], { stdio: [...stdio] });
    let said = "";
    command.stderr!.on("data", (text) => {
      said += text;
    });
    const [code] = await once(command, "close");
    await directoryFd.close();
    expect([code, said]).toEqual([2, expect.stringContaining("Standard input is a directory")]);
  });

  it("does all or nothing", async () => {
    await succeed(["topics", "create", "cli-whole", "--partitions", "3"]);
    const set = ["--config", "retention.ms=60000"];
    expect(await client(["topics", "alter", "cli-whole", ...set, "--partitions", "2"])).toMatchObject({ code: 1 });
    expect(await succeed(["topics", "describe", "cli-whole"])).not.toContain("retention.ms");
    expect(await client(["topics", "create", "cli-first", "bad name"])).toMatchObject({ code: 1 });
    expect(await client(["topics", "delete", "cli-whole", "nowhere"])).toMatchObject({ code: 1 });
    const names: string[] = JSON.parse(await succeed(["topics", "list", "--json"])).map(
      ({ name }: { name: string }) => name,
    );
    expect(names).toContain("cli-whole");
    expect(names).not.toContain("cli-first");
  });

  it("writes nothing of a file that has a wrong line", async () => {
    await succeed(["topics", "create", "cli-whole-file"]);
    const file = join(directory, "wrong.ndjson");
    await writeFile(file, '{"value":"good"}\nnot json\n');
    const result = await client(["produce", "cli-whole-file", "--json", "--file", file]);
    expect(result).toMatchObject({ code: 2, stderr: expect.stringMatching(/Line 2 is not JSON/) });
    const noKey = await client(["produce", "cli-whole-file", "--key-separator", ":", "--file", file]);
    expect(noKey).toMatchObject({ code: 2, stderr: expect.stringMatching(/Line 2 does not hold the key separator/) });
    expect(await succeed(["consume", "cli-whole-file", "--from", "beginning", "--until-end"])).toBe("");
  });

  it("says which line of standard input is wrong, after writing those before it, and says so before", async () => {
    expect((await ottla(["produce", "--help"])).stdout).toMatch(/of standard input\s+the lines before/);
    await succeed(["topics", "create", "cli-half"]);
    const result = await client(["produce", "cli-half", "--json"], '{"value":"good"}\nnot json\n');
    expect(result).toMatchObject({ code: 2, stderr: expect.stringMatching(/Line 2 is not JSON/) });
    expect(await succeed(["consume", "cli-half", "--from", "beginning", "--max", "1"])).toBe("good\n");
  });

  it.each([
    ["consume", "cli-late"],
    ["produce", "cli-late"],
    ["perf", "consume", "cli-late"],
  ])(
    "%s %s ends with Ctrl-C, also while it waits for its first answer",
    async (...args) => {
      await using slow = await startTestBroker({ topics: ["cli-late"] });
      const fault = slow.faults.inject({ clientId: "ottla-cli", delayMs: 2_000 });
      const command = spawn(process.execPath, [OTTLA_COMMAND, ...args, "--bootstrap", slow.bootstrapServers]);
      let stderr = "";
      command.stderr.on("data", (text) => {
        stderr += text;
      });
      const ended = once(command, "exit");
      await expect.poll(() => fault.hits, { timeout: 20_000 }).toBeGreaterThan(0);
      command.kill("SIGINT");
      expect([await ended, stderr]).toEqual([[130, null], ""]);
    },
    40_000,
  );

  it.each([["topics list"], ["perf produce x"]])("says in time where it tried to connect: %s", async (command) => {
    const result = await ottla([...command.split(" "), "--bootstrap", "localhost:1"], { timeoutMs: 20_000 });
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/localhost:1/);
    expect(result.stderr).not.toMatch(/\n\s+at /);
  });

  it.each([
    [[]],
    [["broker"]],
    [["topics"]],
    [["topics", "create"]],
    [["produce"]],
    [["consume"]],
    [["groups", "describe"]],
  ])("%j --help explains itself", async (command) => {
    const result = await ottla([...command, "--help"]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toMatch(/Usage: ottla/);
  });
});

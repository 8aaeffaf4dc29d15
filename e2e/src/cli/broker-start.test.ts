import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { ottla } from "../harness/ottla-command.ts";

describe("starting a broker", () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "ottla-start-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  /** The start fails with one clear line and no stack trace. */
  const expectRefusal = async (args: readonly string[], message: RegExp, env: Record<string, string> = {}) => {
    const result = await ottla(["broker", ...args], { env, timeoutMs: 20_000 });
    const lines = result.stderr
      .trim()
      .split("\n")
      .filter((line) => line.startsWith("ottla:"));
    expect(lines.join("\n"), result.stderr).toMatch(message);
    expect(lines).toHaveLength(1);
    expect(result.stderr).not.toMatch(/\n\s+at /);
    expect(result.code).not.toBe(0);
    expect(result.stdout).not.toMatch(/ready/);
  };

  it("is refused when the port is in use", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await expectRefusal(["--memory", "--port", String(port)], new RegExp(`${port}.*in use`));
    server.close();
  });

  it("is refused when another broker has the data directory", async () => {
    const data = join(directory, "shared");
    await using broker = await BrokerProcess.start({ dataDirectory: data });
    await expectRefusal(["--port", "0", "--data", data], /another|in use|locked/i);
    expect((await ottla(["topics", "list", "--bootstrap", broker.bootstrapServers])).code).toBe(0);
  });

  it("is possible again after the holder of the directory was killed", async () => {
    const data = join(directory, "killed");
    const first = await BrokerProcess.start({ dataDirectory: data });
    await first.kill();
    await using second = await BrokerProcess.start({ dataDirectory: data });
    expect(second.output).toMatch(/ready/);
  });

  it("is refused when the data directory belongs to another cluster or broker", async () => {
    const data = join(directory, "foreign");
    await mkdir(data);
    await writeFile(join(data, "meta.properties"), "version=1\ncluster.id=elsewhere\nnode.id=99\n");
    await expectRefusal(["--port", "0", "--data", data, "--set", "node.id=1"], /belongs to broker 99/);
  });

  it("is refused when the directory holds something else", async () => {
    const data = join(directory, "file");
    await writeFile(data, "not a directory");
    await expectRefusal(["--port", "0", "--data", data], /directory/i);
  });

  it("is refused when the data directory cannot be written", async () => {
    const data = join(directory, "read-only");
    await mkdir(data);
    await chmod(data, 0o500);
    // Permissions do not bind root; the kernel's own file system does.
    const unwritable = process.getuid?.() === 0 ? "/sys/ottla-data" : data;
    await expectRefusal(["--port", "0", "--data", unwritable], /may not write/);
  });

  it.each<[string, string[], RegExp]>([
    ["an unknown key", ["--set", "log.retention.hour=1"], /log\.retention\.hour.*log\.retention\.hours/],
    ["a bad value", ["--set", "num.partitions=many"], /num\.partitions.*many.*whole number/],
    ["a value out of range", ["--set", "num.partitions=0"], /num\.partitions.*0/],
    ["a bad listener", ["--set", "listeners=nonsense"], /listeners.*nonsense/],
    ["a config file that is absent", ["--config", "/does/not/exist.properties"], /exist\.properties/],
  ])("is refused with %s, which is named with what is allowed", async (_, args, message) => {
    await expectRefusal(["--memory", ...args], message);
  });

  it("takes configs from a file, the environment and --set, the last the strongest", async () => {
    const file = join(directory, "server.properties");
    await writeFile(file, "# a comment\nnum.partitions=2\nlog.retention.ms=1000000\nmessage.max.bytes=1000\n");
    await using broker = await BrokerProcess.start({
      dataDirectory: null,
      args: ["--config", file, "--set", "num.partitions=5"],
      env: { OTTLA_LOG_RETENTION_MS: "2000000" },
    });
    const bootstrap = ["--bootstrap", broker.bootstrapServers];
    await ottla(["topics", "create", "configured", ...bootstrap]);
    const { stdout } = await ottla(["topics", "describe", "configured", "--json", ...bootstrap]);
    expect(JSON.parse(stdout)[0].partitions).toHaveLength(5);
    const large = await ottla(["produce", "configured", ...bootstrap], { input: `${"x".repeat(2_000)}\n` });
    expect(large).toMatchObject({ code: 1, stderr: expect.stringMatching(/MESSAGE_TOO_LARGE|RECORD_TOO_LARGE/) });
  });

  it("ends cleanly with SIGTERM, and starts again with everything it had", async () => {
    const data = join(directory, "restarted");
    const first = await BrokerProcess.start({ dataDirectory: data });
    await ottla(["produce", "kept", "--bootstrap", first.bootstrapServers], { input: "one\ntwo\n" });
    expect(await first.stop()).toBe(0);
    expect(first.output).not.toMatch(/\n\s+at /);
    await using second = await BrokerProcess.start({ dataDirectory: data });
    const args = ["consume", "kept", "--from", "beginning", "--max", "2", "--bootstrap", second.bootstrapServers];
    expect((await ottla(args)).stdout).toBe("one\ntwo\n");
  });

  it("keeps nothing on disk with --memory", async () => {
    await using broker = await BrokerProcess.start({ dataDirectory: null });
    await ottla(["produce", "gone", "--bootstrap", broker.bootstrapServers], { input: "one\n" });
    const args = ["consume", "gone", "--from", "beginning", "--max", "1", "--bootstrap", broker.bootstrapServers];
    expect((await ottla(args)).stdout).toBe("one\n");
  });
});

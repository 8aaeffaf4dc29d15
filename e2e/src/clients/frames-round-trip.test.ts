import {
  type ApiDefinition,
  ByteReader,
  concatBytes,
  decodeRequestHeader,
  encodeRequest,
  encodeResponse,
  responseHeader,
} from "@ottla/protocol";
import { apisByKey, requestHeaderVersionOf } from "@ottla/protocol/internal";
import { freePort } from "@ottla/transport/node";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { type CapturedFrame, CaptureProxy } from "../harness/capture-proxy.ts";
import { external, kafkaClassPath } from "../harness/external.ts";
import { JavaTools } from "../harness/java-tools.ts";
import { run } from "../harness/process.ts";

/** What a client and our broker say to each other, decoded and encoded again with our own declarations. */
describe("every frame that other clients exchange with our broker encodes to the same bytes again", () => {
  let broker: BrokerProcess;
  let proxy: CaptureProxy;
  let bootstrap: string;

  beforeAll(async () => {
    proxy = await CaptureProxy.listen();
    bootstrap = `127.0.0.1:${proxy.port}`;
    const advertised = ["--set", `advertised.listeners=PLAINTEXT://${bootstrap}`];
    broker = await BrokerProcess.start({ port: await freePort(), args: advertised });
    proxy.forwardTo(broker.port);
  });
  afterAll(async () => {
    await proxy?.close();
    await broker?.stop();
  });

  const captured = async (use: () => Promise<void>): Promise<string[]> => {
    proxy.frames.length = 0;
    await use();
    return checkFrames(proxy.frames);
  };

  it("kafkajs", async () => {
    const seen = await captured(async () => {
      const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
      const [admin, producer] = [kafka.admin(), kafka.producer({ idempotent: true })];
      await Promise.all([admin.connect(), producer.connect()]);
      await admin.createTopics({ topics: [{ topic: "frames-js", numPartitions: 2 }] });
      await producer.send({ topic: "frames-js", messages: [{ key: "k", value: "v", headers: { h: "1" } }] });
      await admin.fetchTopicOffsets("frames-js");
      await admin.setOffsets({ groupId: "frames-js", topic: "frames-js", partitions: [{ partition: 0, offset: "0" }] });
      await admin.fetchOffsets({ groupId: "frames-js", topics: ["frames-js"] });
      await admin.describeGroups(["frames-js"]);
      await admin.deleteTopics({ topics: ["frames-js"] });
      await Promise.all([admin.disconnect(), producer.disconnect()]);
    });
    expect(seen).toEqual(expect.arrayContaining(["Produce", "OffsetCommit", "OffsetFetch", "DescribeGroups"]));
  });

  it.skipIf(external.kcat === null)("librdkafka through kcat", async () => {
    const kcat = (args: string[], input = "") => run(external.kcat ?? "", ["-b", bootstrap, ...args], { input });
    const seen = await captured(async () => {
      await kcat(["-P", "-t", "frames-c", "-X", "enable.idempotence=true", "-z", "lz4"], "1\n2\n3\n");
      await kcat(["-G", "frames-c-group", "-X", "auto.offset.reset=earliest", "-e", "-q", "frames-c"]);
      await kcat(["-Q", "-t", "frames-c:0:0"]);
    });
    expect(seen).toEqual(
      expect.arrayContaining(["Produce", "Fetch", "ListOffsets", "JoinGroup", "SyncGroup", "OffsetCommit"]),
    );
  });

  it.skipIf(kafkaClassPath === null)("the Java clients", async () => {
    const server = ["--bootstrap-server", bootstrap];
    using tools = JavaTools.start(kafkaClassPath);
    const seen = await captured(async () => {
      const produce = [...server, "--topic", "frames-java"];
      await tools.run("org.apache.kafka.tools.ConsoleProducer", produce, { input: "1\n2\n" });
      const consume = [
        ...produce,
        "--from-beginning",
        "--max-messages",
        "2",
        "--timeout-ms",
        "20000",
        "--group",
        "frames-java",
      ];
      await tools.run("org.apache.kafka.tools.consumer.ConsoleConsumer", consume);
      await tools.run("org.apache.kafka.tools.TopicCommand", [...server, "--describe"]);
      await tools.run("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", [
        ...server,
        "--describe",
        "--all-groups",
      ]);
    });
    expect(seen).toEqual(
      expect.arrayContaining([
        "InitProducerId",
        "Produce",
        "Fetch",
        "JoinGroup",
        "OffsetCommit",
        "DescribeConfigs",
        "DescribeGroups",
      ]),
    );
  });
});

/** Checks all frames, and gives the names of the APIs seen. */
function checkFrames(frames: readonly CapturedFrame[]): string[] {
  const pending = new Map<string, { readonly api: ApiDefinition; readonly version: number }>();
  const seen = new Set<string>();
  for (const { direction, connectionId, bytes } of frames) {
    const correlationId = new DataView(bytes.buffer, bytes.byteOffset).getInt32(direction === "request" ? 4 : 0);
    const exchange = `${connectionId}/${correlationId}`;
    if (direction === "request") pending.set(exchange, checkRequest(bytes));
    else {
      const { api, version } = pending.get(exchange)!;
      checkResponse(api, version, bytes);
      seen.add(api.name);
    }
  }
  return [...seen];
}

function checkRequest(frame: Uint8Array) {
  const { header, body } = decodeRequestHeader(frame, requestHeaderVersionOf);
  const { requestApiKey, requestApiVersion: version, correlationId, clientId } = header;
  const api = apisByKey.get(requestApiKey);
  if (api === undefined) throw new Error(`API ${requestApiKey} is not declared`);
  const value = api.request.decode(body, version);
  const again = concatBytes(encodeRequest(api, version, { correlationId, clientId }, value as never)).subarray(4);
  expect(hex(again), `${api.name} v${version} request`).toBe(hex(frame));
  return { api, version };
}

function checkResponse(api: ApiDefinition, version: number, frame: Uint8Array): void {
  const reader = new ByteReader(frame);
  const { correlationId } = responseHeader.decode(reader, api.responseHeaderVersion(version));
  const value = api.response.decode(reader, version);
  const again = concatBytes(encodeResponse(api, version, correlationId, value as never)).subarray(4);
  expect(hex(again), `${api.name} v${version} response`).toBe(hex(frame));
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

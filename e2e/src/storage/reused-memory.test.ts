import { once } from "node:events";
import { connect } from "node:net";
import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { concatBytes, decodeResponse, encodeRequest, fetchApi } from "@ottla/protocol";
import { FrameDecoder } from "@ottla/transport";
import { expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";

const TOPIC = "reused";
const MIB = 1024 * 1024;
const TAIL_BYTES = 16 * MIB;
const VALUE_BYTES = 100_000;

async function fill(producer: Producer, letter: string, sizeBytes: number): Promise<void> {
  const record = { topic: TOPIC, partition: 0, value: letter.repeat(VALUE_BYTES) };
  for (let sent = 0; sent < sizeBytes; sent += 4 * VALUE_BYTES) await producer.send(Array(4).fill(record));
}

/** Asks for all that is in memory, and takes the answer when it is told to. */
async function slowFetch(port: number): Promise<() => Promise<Uint8Array>> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.pause();
  const body = {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: TAIL_BYTES,
    topics: [{ topic: TOPIC, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: TAIL_BYTES }] }],
  };
  socket.write(concatBytes(encodeRequest(fetchApi, 12, { correlationId: 1, clientId: "slow" }, body)));
  return () =>
    new Promise((resolve, reject) => {
      const decoder = new FrameDecoder({ maxFrameBytes: 2 * TAIL_BYTES });
      socket.on("error", reject);
      socket.on("data", (chunk) => {
        decoder.push(new Uint8Array(chunk), (frame) => {
          socket.destroy();
          resolve(decodeResponse(fetchApi, 12, frame).responses[0]!.partitions[0]!.records!);
        });
      });
      socket.resume();
    });
}

it.each([
  ["TCP", ""],
  ["WebSocket", "ws://"],
])(
  "an answer that a slow client has yet to take stays what it was, while the memory of requests over %s is used again",
  {
    timeout: 60_000,
  },
  async (_, scheme) => {
    await using broker = await BrokerProcess.start({ args: ["--set", `log.tail.memory.bytes=${TAIL_BYTES}`] });
    const { bootstrapServers } = broker;
    await using admin = new Admin({ bootstrapServers });
    await admin.createTopics([{ name: TOPIC, partitions: 1 }]);
    await using producer = new Producer({ bootstrapServers: scheme + bootstrapServers });
    await fill(producer, "a", TAIL_BYTES - 4 * MIB);
    const take = await slowFetch(Number(bootstrapServers.split(":").at(-1)));
    await fill(producer, "b", 3 * TAIL_BYTES);
    const records = Buffer.from(await take());
    expect(records.length).toBeGreaterThan(TAIL_BYTES / 2);
    expect(records.indexOf("bbbb")).toBe(-1);
    expect(records.indexOf("aaaa")).toBeGreaterThan(0);
  },
);

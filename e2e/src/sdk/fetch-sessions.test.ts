import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { decodeRequestHeader, type FetchRequest, fetchApi } from "@ottla/protocol";
import { requestHeaderVersionOf } from "@ottla/protocol/internal";
import { createSystemRuntime } from "@ottla/runtime";
import { type ByteChannel, type Connector, createDefaultConnector } from "@ottla/transport";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sdkTargets } from "../harness/sdk-targets.ts";

const TOPIC = "sessions";
const PARTITIONS = 20;
const SIZE_PREFIX_BYTES = 4;

/** A connector that also keeps the Fetch requests that go out. */
class ListeningConnector implements Connector {
  readonly fetches: FetchRequest[] = [];
  readonly #channels: ByteChannel[] = [];
  readonly #inner = createDefaultConnector(createSystemRuntime());

  async connect(...args: Parameters<Connector["connect"]>): Promise<ByteChannel> {
    const channel = await this.#inner.connect(...args);
    const write = channel.write.bind(channel);
    channel.write = (chunks, onDone) => {
      this.#listen(Buffer.concat(chunks));
      return write(chunks, onDone);
    };
    this.#channels.push(channel);
    return channel;
  }

  /** Breaks every connection. */
  cut(): void {
    for (const channel of this.#channels.splice(0)) channel.destroy();
  }

  /** What was written in one go is whole frames. */
  #listen(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += SIZE_PREFIX_BYTES + bytes.readInt32BE(at)) {
      const frame = bytes.subarray(at + SIZE_PREFIX_BYTES, at + SIZE_PREFIX_BYTES + bytes.readInt32BE(at));
      const { header, body } = decodeRequestHeader(frame, requestHeaderVersionOf);
      if (header.requestApiKey !== fetchApi.key) continue;
      this.fetches.push(fetchApi.request.decode(body, header.requestApiVersion));
    }
  }
}

const askedFor = ({ topics }: FetchRequest): number =>
  topics.reduce((count, { partitions }) => count + partitions.length, 0);

for (const target of sdkTargets) {
  describe.skipIf(target.isAbsent)(`fetch sessions: ${target.name}`, () => {
    let broker: Awaited<ReturnType<typeof target.start>>;
    let producer: Producer;

    beforeAll(async () => {
      broker = await target.start();
      const { bootstrapServers } = broker;
      await using admin = new Admin({ bootstrapServers });
      await admin.createTopics([{ name: TOPIC, partitions: PARTITIONS }]);
      producer = new Producer({ bootstrapServers });
    }, 120_000);
    afterAll(async () => {
      await producer?.close();
      await broker?.stop();
    });

    it("names all partitions once, then only those that have moved; a broken connection begins anew", async () => {
      const connector = new ListeningConnector();
      const values: string[] = [];
      await using consumer = new Consumer({
        bootstrapServers: broker.bootstrapServers,
        connector,
        autoOffsetReset: "earliest",
        fetchMaxWaitMs: 100,
      });
      const all = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: TOPIC, partition }));
      consumer.assign(all);
      const reading = (async () => {
        for await (const { value } of consumer) values.push(value!);
      })();
      const read = async (value: string, partition: number) => {
        await producer.send({ topic: TOPIC, partition, value });
        await expect.poll(() => values.includes(value), { timeout: 10_000 }).toBe(true);
      };

      await read("a", 3);
      await read("b", 7);
      await expect.poll(() => connector.fetches.length, { timeout: 10_000 }).toBeGreaterThan(6);
      const sessions = connector.fetches.filter(({ sessionEpoch }) => sessionEpoch > 0);
      // One session with each broker.
      const opened = connector.fetches.filter(({ sessionEpoch }) => sessionEpoch === 0).map(askedFor);
      expect(opened.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(PARTITIONS);
      expect(sessions.length).toBeGreaterThan(3);
      expect(Math.max(...sessions.map(askedFor)), "partitions named again").toBeLessThan(PARTITIONS / 2);

      connector.cut();
      const before = connector.fetches.length;
      await read("c", 3);
      expect(connector.fetches.slice(before).map(({ sessionEpoch }) => sessionEpoch)).toContain(0);
      expect([...values].sort()).toEqual(["a", "b", "c"]);
      await consumer.close();
      await reading;
    }, 60_000);
  });
}

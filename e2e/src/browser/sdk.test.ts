import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { launchBrowser, openSdkPage } from "../harness/browser.ts";
import { external } from "../harness/external.ts";

/** What `bundleSdks` puts on the page. */
declare const ottla: {
  readonly Producer: typeof import("@ottla/producer").Producer;
  readonly Consumer: typeof import("@ottla/consumer").Consumer;
  readonly Admin: typeof import("@ottla/admin").Admin;
  readonly exactlyOnce: typeof import("@ottla/exactly-once").exactlyOnce;
};

describe.skipIf(external.chromium === null)("the SDKs in Chromium, over WebSocket", () => {
  let broker: BrokerProcess;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    broker = await BrokerProcess.start();
    browser = await launchBrowser();
    page = await openSdkPage(browser, `http://localhost:${broker.port}`, errors);
  });
  afterAll(async () => {
    await browser?.close();
    await broker?.stop();
    expect(errors).toEqual([]);
  });

  it("creates a topic, produces to it and reads it back in a group", async () => {
    const values = await page.evaluate(async (bootstrapServers) => {
      const admin = new ottla.Admin({ bootstrapServers });
      await admin.createTopics([{ name: "browser", partitions: 3 }]);
      await admin.close();
      const producer = new ottla.Producer({ bootstrapServers });
      const sent = Array.from({ length: 300 }, (_, i) => ({
        topic: "browser",
        key: `k${i % 10}`,
        value: `v${i}`,
        headers: [["trace", `t${i}`]] as [string, string][],
      }));
      await producer.send(sent);
      await producer.close();
      const consumer = new ottla.Consumer({
        bootstrapServers,
        groupId: "browser-group",
        topics: ["browser"],
        autoOffsetReset: "earliest",
      });
      const received: string[] = [];
      for await (const record of consumer) {
        received.push(String(record.value));
        if (received.length === sent.length) break;
      }
      await consumer.close();
      return received;
    }, broker.webSocketUrl);
    expect(values.sort()).toEqual(Array.from({ length: 300 }, (_, i) => `v${i}`).sort());
  });

  for (const compression of ["gzip", "snappy", "lz4", "zstd"] as const) {
    it(`writes and reads ${compression} as Node.js does`, async () => {
      const topic = `browser-${compression}`;
      await using producer = new Producer({ bootstrapServers: broker.bootstrapServers, compression });
      await producer.send({ topic, key: "node", value: "from node ".repeat(100) });
      const readInPage = await page.evaluate(
        async ({ bootstrapServers, topic, compression }) => {
          const producer = new ottla.Producer({ bootstrapServers, compression });
          await producer.send({ topic, key: "page", value: "from the page ".repeat(100) });
          await producer.close();
          const consumer = new ottla.Consumer({ bootstrapServers, autoOffsetReset: "earliest" });
          consumer.assign([{ topic, partition: 0 }]);
          const values: string[] = [];
          for await (const record of consumer) {
            values.push(String(record.value));
            if (values.length === 2) break;
          }
          await consumer.close();
          return values;
        },
        { bootstrapServers: broker.webSocketUrl, topic, compression },
      );
      const expected = ["from node ".repeat(100), "from the page ".repeat(100)];
      expect(readInPage).toEqual(expected);
      await using consumer = new Consumer({ bootstrapServers: broker.bootstrapServers, autoOffsetReset: "earliest" });
      consumer.assign([{ topic, partition: 0 }]);
      const readHere: string[] = [];
      for await (const record of consumer) if (readHere.push(String(record.value)) === 2) break;
      expect(readHere).toEqual(expected);
    });
  }

  it("transforms a topic exactly once, though its worker fails on the way and starts anew", async () => {
    const outcome = await page.evaluate(async (bootstrapServers) => {
      const admin = new ottla.Admin({ bootstrapServers });
      await admin.createTopics(["eo-in", "eo-out"].map((name) => ({ name, partitions: 2 })));
      await admin.close();
      const source = new ottla.Producer({ bootstrapServers });
      const inputs = Array.from({ length: 100 }, (_, i) => ({ topic: "eo-in", partition: i % 2, value: `${i}` }));
      await source.send(inputs);
      await source.close();
      const results = new ottla.Consumer({
        ...{ bootstrapServers, autoOffsetReset: "earliest", isolationLevel: "read_committed" },
        maxPollRecords: 1,
      });
      results.assign([0, 1].map((partition) => ({ topic: "eo-out", partition })));
      const end = new AbortController();
      const names = { from: "eo-in", to: "eo-out", groupId: "eo-page", transactionalId: "eo-page" };
      let [transformed, failures] = [0, 0];
      const working = (async () => {
        while (!end.signal.aborted) {
          await ottla
            .exactlyOnce({ bootstrapServers, ...names, batch: 10, signal: end.signal }, ({ value, partition }) => {
              // Records of the transaction that this ends have been sent.
              if (++transformed === 25 || transformed === 60) throw new Error("a page that fails");
              return [{ partition, value: `${value} done` }];
            })
            .catch(() => failures++);
        }
      })();
      const values: string[] = [];
      for await (const { value } of results) if (values.push(String(value)) === inputs.length) break;
      end.abort();
      await working;
      await results.close();
      return { values, failures };
    }, broker.webSocketUrl);
    expect(outcome.failures).toBe(2);
    expect(outcome.values.sort()).toEqual(Array.from({ length: 100 }, (_, i) => `${i} done`).sort());
    await using consumer = new Consumer({
      ...{ bootstrapServers: broker.bootstrapServers, groupId: "eo-page", isolationLevel: "read_committed" },
    });
    const committed = await consumer.committed([0, 1].map((partition) => ({ topic: "eo-in", partition })));
    expect(committed.map(({ offset }) => offset)).toEqual([50, 50]);
  });

  it("says in words why a page cannot use a TCP address", async () => {
    const message = await page.evaluate(async () => {
      try {
        const producer = new ottla.Producer({ bootstrapServers: "localhost:9092" });
        await producer.send({ topic: "t", value: "v" });
        return "no error";
      } catch (error) {
        return String(error);
      }
    });
    expect(message).toMatch(/ws:\/\//);
  });

  it("goes on after the broker was killed and came back", async () => {
    await page.evaluate(async (bootstrapServers) => {
      const producer = new ottla.Producer({ bootstrapServers });
      await producer.send({ topic: "survivor", value: "before" });
      Object.assign(globalThis, { survivor: producer });
    }, broker.webSocketUrl);
    await broker.kill();
    broker = await BrokerProcess.start({ dataDirectory: broker.dataDirectory, port: broker.port });
    const offset = await page.evaluate(async () => {
      const { survivor } = globalThis as unknown as { survivor: InstanceType<typeof ottla.Producer> };
      const metadata = await survivor.send({ topic: "survivor", value: "after" });
      await survivor.close();
      return metadata.offset;
    });
    expect(offset).toBe(1);
  });
});

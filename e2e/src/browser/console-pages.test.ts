import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Admin } from "@ottla/admin";
import { Consumer, type ConsumerRecord } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import type { Browser, BrowserContext, Page, Response } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { launchBrowser, pageWithoutCache } from "../harness/browser.ts";
import { external } from "../harness/external.ts";
import { leaveHangingTransaction } from "../harness/hanging-transaction.ts";
import { layoutShifts } from "../harness/layout-shifts.ts";

const TIMEOUT = { timeout: 20_000 };

/** Of a live tail: thousands a second, for several seconds. */
const TAIL = { perSecond: 5_000, seconds: 4, ticksPerSecond: 20 } as const;
const TAIL_RECORDS = TAIL.perSecond * TAIL.seconds;

/** A page that stands still for longer is frozen. Machines that are busy with other tests draw seldom. */
const FRAME_GAP_MS_MAX = 700;

/** `{"celsius": 21}` in CBOR and in MessagePack. */
const CBOR = Buffer.from("a16763656c7369757315", "hex");
const MESSAGE_PACK = Buffer.from("81a763656c7369757315", "hex");

describe.skipIf(external.chromium === null)("the console", () => {
  let broker: BrokerProcess;
  let admin: Admin;
  let producer: Producer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let axe: string;
  let stopTicks = async () => {};
  const errors: string[] = [];
  const requests: string[] = [];
  const unfit: string[] = [];

  beforeAll(async () => {
    axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    const configs = ["group.initial.rebalance.delay.ms=0", "transaction.partition.verification.enable=false"];
    broker = await BrokerProcess.start({ args: configs.flatMap((config) => ["--set", config]) });
    admin = new Admin({ bootstrapServers: broker.bootstrapServers });
    producer = new Producer({ bootstrapServers: broker.bootstrapServers, clientId: "shop" });
    await admin.createTopics([
      { name: "orders", partitions: 3, configs: { "retention.ms": 3_600_000 } },
      { name: "empty", partitions: 1 },
    ]);
    for (let id = 0; id < 30; id++) await producer.send(order(id));
    browser = await launchBrowser();
    context = await browser.newContext({ viewport: { width: 1_300, height: 900 }, acceptDownloads: true });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    page = await context.newPage();
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(`http://localhost:${broker.port}/`);
  });
  afterAll(async () => {
    await stopTicks();
    await browser?.close();
    await producer?.close();
    await admin?.close();
    await broker?.stop();
  });

  const beganAtMs = Date.now();
  const order = (id: number) => ({
    topic: "orders",
    timestampMs: beganAtMs + id,
    partition: id % 3,
    key: `customer-${id % 5}`,
    value: JSON.stringify({ id, total: id * 10, city: id % 2 === 0 ? "Praha" : "Brno" }),
    headers: [["trace", `t-${id}`]] as const,
  });
  const goTo = (hash: string) => page.goto(`http://localhost:${broker.port}/${hash}`);
  const rows = () => page.locator(".virtual-row");
  const rowTexts = async () => (await rows().allInnerTexts()).map((text) => text.replace(/\s+/g, " "));
  const waitFor = (selector: string, hasText?: string) =>
    page
      .locator(selector, hasText === undefined ? {} : { hasText })
      .first()
      .waitFor(TIMEOUT);

  /** What axe-core finds serious in a page, or in the dialog that is open in it. */
  const audit = async (what: string, view = page) => {
    if (!(await view.evaluate(() => "axe" in globalThis))) await view.evaluate(axe);
    const { violations } = await view.evaluate(() =>
      (globalThis as unknown as { axe: Axe }).axe.run(document.querySelector("dialog[open]") ?? document, {
        resultTypes: ["violations"],
      }),
    );
    for (const { id, impact, nodes } of violations) {
      if (impact === "serious" || impact === "critical") unfit.push(`${what}: ${impact} ${id}: ${nodes[0]?.html}`);
    }
  };
  /** Whether the page, or the dialog that is open in it, is wider than the screen. */
  const overflow = () =>
    page.evaluate(() => {
      const dialog = document.querySelector("dialog[open]");
      const wider = dialog === null ? 0 : dialog.scrollWidth - dialog.clientWidth;
      return document.documentElement.scrollWidth - innerWidth + wider;
    });
  const readPartition = async (topic: string, partition: number, count: number): Promise<ConsumerRecord[]> => {
    await using consumer = new Consumer({ bootstrapServers: broker.bootstrapServers, autoOffsetReset: "earliest" });
    consumer.assign([{ topic, partition }]);
    const records: ConsumerRecord[] = [];
    for await (const record of consumer) if (records.push(record.copy()) === count) break;
    return records;
  };
  /** A topic to which something is written all the time, one group that reads it, and one that falls behind. */
  const startTicks = async () => {
    await admin.createTopics([{ name: "ticks", partitions: 2 }]);
    await admin.alterGroupOffsets("archive", [
      { topic: "ticks", partition: 0, offset: 0 },
      { topic: "ticks", partition: 1, offset: 0 },
    ]);
    const { bootstrapServers } = broker;
    const reader = new Consumer({ bootstrapServers, groupId: "reader", topics: ["ticks"], autoCommitIntervalMs: 500 });
    const reading = (async () => {
      for await (const _ of reader);
    })();
    const tick = () =>
      producer.send(
        Array.from({ length: 20 }, (_, index) => ({ topic: "ticks", partition: index % 2, value: "tick" })),
      );
    const ticking = setInterval(tick, 100);
    stopTicks = async () => {
      stopTicks = async () => {};
      clearInterval(ticking);
      await reader.close();
      await reading;
    };
  };

  it("tells at first sight how the cluster is doing", async () => {
    await waitFor(".status.connected", "Connected");
    // On a busy machine the broker's event loop is late while all of this starts, which the page says until it is over.
    await page.locator(".notice.good", { hasText: "Everything is in order" }).waitFor({ timeout: 45_000 });
    await waitFor(".figure", "Topics");
    await expect
      .poll(() => page.locator(".figure", { hasText: "Written" }).innerText(), TIMEOUT)
      .toContain("30 since start");
    await waitFor(".charts .uplot");
    await waitFor("td", "controller");
    await waitFor(".figure", "the controller is");
    expect(await page.title()).toBe("Overview – Ottla");
  });

  it("lists topics, finds them, and creates one", async () => {
    await goTo("#/topics");
    await expect
      .poll(rowTexts, TIMEOUT)
      .toEqual([expect.stringMatching(/^empty 1 1 0 B/), expect.stringMatching(/^orders 3 1 [\d.]+ kB/)]);
    await page.keyboard.press("/");
    await page.keyboard.type("ord");
    await expect.poll(() => rows().count()).toBe(1);
    expect(page.url()).toContain("q=ord");
    await page.click("text=New topic");
    await audit("New topic");
    await page.fill("input[name=name]", "not a name");
    await waitFor(".field .error", "Letters, digits");
    expect(await page.locator("dialog button[type=submit]").isDisabled()).toBe(true);
    await page.fill("input[name=name]", "made.here");
    await page.fill("input[name=partitions]", "two");
    await waitFor(".field .error", "A whole number from 1 to");
    await page.fill("input[name=partitions]", "2");
    await page.fill("input[name=retention]", "a week");
    await waitFor(".field .error", "A number above 0");
    await page.fill("input[name=retention]", "");
    await page.fill("input[name=replication]", "3");
    await page.click("dialog button[type=submit]");
    await waitFor("dialog .notice.bad");
    await page.fill("input[name=replication]", "");
    await page.click("dialog button[type=submit]");
    await waitFor("h1", "made.here");
    expect(await admin.describeTopics(["made.here"])).toMatchObject([{ partitions: [{}, {}] }]);
  });

  it("shows a topic's partitions, and grows and empties it once it has said what that means", async () => {
    await producer.send(["a", "b", "c"].map((value) => ({ topic: "made.here", partition: 0, value })));
    await startTicks();
    const first = () => page.locator("tbody tr").first().innerText();
    await goTo("#/topics/made.here/partitions");
    // Leader, replicas in sync, first and next offset, records, bytes.
    await expect.poll(first, TIMEOUT).toMatch(/^0\s+broker 1\s+1\s+0\s+3\s+3\s+\d+ B$/);
    await waitFor(".panel .note", `broker 1: ${broker.dataDirectory}`);
    await page.click("text=Add partitions");
    await waitFor("dialog", "Keys move");
    await page.fill("input[name=count]", "2");
    await waitFor("dialog .error", "A whole number above 2 is needed.");
    expect(await page.locator("dialog button[type=submit]").isDisabled()).toBe(true);
    await page.fill("input[name=count]", "4");
    await page.click("dialog button[type=submit]");
    await expect.poll(() => page.locator("tbody tr").count(), TIMEOUT).toBe(4);
    await page.click("text=Delete records");
    await waitFor("dialog", "for good");
    await audit("Delete records");
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    expect(await first()).toMatch(/ *0\s+3\s+3\s+\d+ B$/);
    await page.click("text=Delete records");
    await page.click("dialog button:has-text('Delete 3 records')");
    await waitFor(".toasts", "The records are deleted.");
    await expect.poll(first, TIMEOUT).toMatch(/3\s+3\s+0\s+\d+ B$/);
    const [begin] = await admin.listOffsets([{ topic: "made.here", partition: 0, spec: "earliest" }]);
    expect(begin!.offset).toBe(3);
  });

  it("explains configs, and changes one", async () => {
    await goTo("#/topics/orders/configs");
    await waitFor(".configs li.set", "retention.ms");
    expect(await page.locator(".configs li").first().innerText()).toMatch(
      /retention\.ms\s+this topic\s+3600000 \(1 h\)\s+Default: 604800000 \(7 d\)\s+\S.{20,}/,
    );
    // Where the default holds it is what is shown.
    expect(await page.locator('.configs li:has(.config-head > code:text-is("segment.bytes"))').innerText()).toMatch(
      /^segment\.bytes\s+default\s+1073741824 \(1\.1 GB\)\s+(?!Default)/,
    );
    await page.click('[aria-label="Change retention.ms"]');
    await audit("Change a config");
    await page.fill("dialog input[name=value]", "soon");
    await page.click("dialog button[type=submit]");
    await waitFor("dialog .notice.bad", "retention.ms");
    await page.fill("dialog input[name=value]", "7200000");
    await page.click("dialog button[type=submit]");
    await waitFor(".configs li.set", "7200000 (2 h)");
    const [resource] = await admin.describeConfigs([{ type: "topic", name: "orders", keys: ["retention.ms"] }]);
    expect(resource!.entries).toMatchObject([{ value: "7200000", source: "topic" }]);
  });

  it("browses messages merged by time, from an offset, filtered, and opens one", async () => {
    await goTo("#/topics/orders");
    await waitFor(".read-status", "30 records");
    expect((await rowTexts()).slice(0, 5).map((text) => /"id":(\d+)/.exec(text)?.[1])).toEqual(
      ["29", "28", "27", "26", "25"], // of partitions 2, 1, 0, 2, 1
    );
    await goTo("#/topics/orders?from=oldest&partition=1");
    await waitFor(".read-status", "10 records");
    expect((await rowTexts())[0]).toMatch(/ 1 0 customer-1 \{"id":1,/);
    await goTo("#/topics/orders?from=offset&at=8");
    await waitFor(".read-status", "6 records");
    expect(await page.inputValue("input[name=at]")).toBe("8");
    await page.fill("input[name=at]", "-3");
    await page.keyboard.press("Enter");
    await waitFor(".notice.bad", "a whole number, 0 or more");
    await goTo("#/topics/orders?in=json&filter=total+%3E+250");
    await waitFor(".read-status", "4 records, 30 read");
    await goTo("#/topics/orders?in=header&filter=trace%3Dt-7");
    await waitFor(".read-status", "1 record");
    await rows().first().click();
    await waitFor(".detail", "t-7");
    expect(await page.locator(".detail pre").last().innerText()).toBe(
      '{\n  "id": 7,\n  "total": 70,\n  "city": "Brno"\n}',
    );
    await page.selectOption("label:has-text('Show as') select", "hex");
    await waitFor(".detail pre", "00000000  7b 22 69 64");
    await page.fill("input[name=filter]", "no such thing");
    await waitFor(".empty", "No record matches");
    await goTo("#/topics/orders?in=json&filter=total+%3E");
    await waitFor(".notice.bad", "nothing to compare with");
  });

  it("begins at a time, reads CBOR and MessagePack, and copies", async () => {
    await admin.createTopics([{ name: "readings", partitions: 2, configs: { "retention.ms": -1 } }]);
    const writtenAtMs = Date.parse("2023-11-14T22:00:00Z");
    const values = ["a", "b", CBOR, MESSAGE_PACK];
    await producer.send(
      values.map((value, index) => ({
        ...{ topic: "readings", partition: index % 2, key: `k${index}`, value },
        timestampMs: writtenAtMs + index * 60_000,
      })),
    );
    const keys = async () => (await rowTexts()).map((text) => / (k\d) /.exec(text)?.[1]);
    await goTo("#/topics/readings?from=time&at=2023-11-14T22:01:00Z");
    await expect.poll(keys, TIMEOUT).toEqual(["k1", "k2", "k3"]);
    const typed = await page.evaluate(() => {
      const local = new Date(Date.parse("2023-11-14T22:02:00Z") - new Date(1.7e12).getTimezoneOffset() * 60_000);
      return local.toISOString().slice(0, 19);
    });
    await page.fill("input[name=at]", typed);
    await expect.poll(keys, TIMEOUT).toEqual(["k2", "k3"]);
    await goTo("#/topics/readings?from=time&at=yesterday");
    await waitFor(".notice.bad", "Choose the time to begin at.");
    await goTo("#/topics/readings?from=oldest");
    const showAs = (view: string) => page.selectOption("label:has-text('Show as') select", view);
    for (const [view, key] of [
      ["cbor", "k2"],
      ["msgpack", "k3"],
    ] as const) {
      await showAs("auto");
      await page.locator(".virtual-row", { hasText: key }).click();
      await showAs(view);
      await waitFor(".detail h3 .badge", view);
      expect(await page.locator(".detail pre").last().innerText()).toBe('{\n  "celsius": 21\n}');
    }
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    await page.click('[aria-label="Copy the value"]');
    await waitFor(".toasts", "Copied.");
    expect(await clipboard()).toBe('{\n  "celsius": 21\n}');
    await page.click('[aria-label="Copy the record as JSON"]');
    await expect
      .poll(async () => JSON.parse(await clipboard()))
      .toMatchObject({
        ...{ topic: "readings", partition: 1, offset: 1, key: "k3", timestampMs: writtenAtMs + 180_000 },
        value: { base64: MESSAGE_PACK.toString("base64") },
      });
  });

  it("hands records out as NDJSON", async () => {
    await goTo("#/topics/orders?from=oldest&partition=0");
    await waitFor(".read-status", "10 records");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=NDJSON")]);
    const lines = (await readFile(await download.path(), "utf8")).trim().split("\n");
    expect(lines).toHaveLength(10);
    expect(JSON.parse(lines[1]!)).toMatchObject({
      partition: 0,
      offset: 1,
      key: "customer-3",
      headers: [["trace", "t-3"]],
    });
  });

  it("follows thousands of records a second, for seconds, without freezing", async () => {
    await goTo("#/topics/empty?from=live");
    await waitFor(".empty", "Waiting for records");
    await page.evaluate(() => {
      const seen = { longestGapMs: 0, statuses: new Set<string>(), isOver: false };
      Object.assign(globalThis, { seen });
      let lastAtMs = performance.now();
      const next = () => {
        const nowMs = performance.now();
        seen.longestGapMs = Math.max(seen.longestGapMs, nowMs - lastAtMs);
        seen.statuses.add(document.querySelector(".read-status")?.textContent ?? "");
        lastAtMs = nowMs;
        if (!seen.isOver) requestAnimationFrame(next);
      };
      requestAnimationFrame(next);
    });
    const beganAtMs = performance.now();
    const atOnce = TAIL.perSecond / TAIL.ticksPerSecond;
    for (let tick = 0; tick < TAIL.seconds * TAIL.ticksPerSecond; tick++) {
      await producer.send(
        Array.from({ length: atOnce }, (_, index) => ({ topic: "empty", value: `{"tick":${tick},"n":${index}}` })),
      );
      const aheadMs = beganAtMs + ((tick + 1) * 1_000) / TAIL.ticksPerSecond - performance.now();
      if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs));
    }
    await waitFor(".read-status", `${TAIL_RECORDS.toLocaleString("en")} records came`);
    expect((await rowTexts())[0]).toContain(`"n":${atOnce - 1}}`);
    const { longestGapMs, states } = await page.evaluate(() => {
      const { seen } = globalThis as unknown as {
        seen: { longestGapMs: number; statuses: Set<string>; isOver: boolean };
      };
      seen.isOver = true;
      return { longestGapMs: seen.longestGapMs, states: seen.statuses.size };
    });
    expect(longestGapMs).toBeLessThan(FRAME_GAP_MS_MAX);
    // It shows them as they come, not all of them at the end.
    expect(states).toBeGreaterThan(2 * TAIL.seconds);
    await page.click("text=Stop");
    await waitFor(".read-status", "100 records");
  }, 60_000);

  it("produces a record with a header to a partition, a tombstone, and what is in a file", async () => {
    await goTo("#/topics/made.here?produce=1");
    const submit = page.locator("dialog button[type=submit]");
    await page.check("text=Tombstone (null)");
    await waitFor("dialog .error", "A tombstone deletes a key: it needs one.");
    expect(await submit.isDisabled()).toBe(true);
    await page.uncheck("text=Tombstone (null)");
    await page.fill("input[name=produce-key]", "k");
    await page.fill("textarea[name=produce-value]", "{ broken");
    await waitFor("dialog small", "Not valid JSON");
    await page.fill("textarea[name=produce-value]", '{"by": "hand"}');
    await page.selectOption("dialog label:has-text('Partition') select", "3");
    await page.click("dialog >> text=Header");
    await page.fill('[aria-label="Header value"]', "console");
    await waitFor("dialog .error", "A header needs a name.");
    expect(await submit.isDisabled()).toBe(true);
    await audit("Produce");
    await page.fill('[aria-label="Header name"]', "from");
    await submit.click();
    await waitFor(".toasts", "Written to partition 3 at offset 0.");
    const [record] = await readPartition("made.here", 3, 1);
    expect(record).toMatchObject({ key: "k", value: '{"by": "hand"}' });
    expect([...record!.headers].map(([name, value]) => [name, Buffer.from(value!).toString()])).toEqual([
      ["from", "console"],
    ]);

    await goTo("#/topics/empty?produce=1");
    await page.fill("input[name=produce-key]", "k");
    await page.check("text=Tombstone (null)");
    await submit.click();
    await waitFor(".toasts", `offset ${TAIL_RECORDS}`);
    await page.click("text=Produce");
    const choose = (name: string, text: string) =>
      page.setInputFiles("dialog input[type=file]", { name, mimeType: "text/plain", buffer: Buffer.from(text) });
    await choose("nothing.txt", "");
    await submit.click();
    await waitFor("dialog .notice.bad", "The file nothing.txt is empty");
    const directory = await mkdtemp(join(tmpdir(), "ottla-large-"));
    const large = await open(join(directory, "large.bin"), "w");
    await large.truncate(50_000_001);
    await large.close();
    await page.setInputFiles("dialog input[type=file]", join(directory, "large.bin"));
    await submit.click();
    await waitFor("dialog .notice.bad", "at most 50 MB are possible. Use ottla produce for it.");
    await rm(directory, { recursive: true });
    await choose("lines.txt", "a\nb\nc\n");
    await submit.click();
    await waitFor(".toasts", "3 records written");
    await page.click("text=Produce");
    await choose("poem.txt", "one\ntwo\n");
    await page.selectOption("dialog label:has-text('poem.txt') select", "whole");
    await submit.click();
    await waitFor(".toasts", `offset ${TAIL_RECORDS + 4}`);
    await expect
      .poll(
        async () => (await rowTexts()).slice(0, 5).map((text) => text.trim().split(" ").slice(3).join(" ")),
        TIMEOUT,
      )
      .toEqual(["null one two", "null c", "null b", "null a", "k null"]);
  });

  it("shows rates, the lag of groups over time, and which one falls behind", async () => {
    await goTo("#/topics?sort=recordsPerSecond");
    await expect
      .poll(async () => (await rowTexts())[0], TIMEOUT)
      .toMatch(/^ticks 2 1 [\d.]+ [kM]?B \d{2,3} [\d.]+ [kM]?B$/);
    await page.click(".sort:has-text('Partitions')");
    await expect.poll(async () => (await rowTexts())[0]).toMatch(/^made\.here 4 /);
    expect(page.url()).toContain("sort=partitions");
    await page.click(".sort:has-text('Size')");
    await expect.poll(async () => (await rowTexts())[0]).toMatch(/^empty 1 /);

    await goTo("#/groups");
    const row = (group: string) => page.locator(".virtual-row", { hasText: group }).innerText();
    await expect.poll(() => row("reader"), TIMEOUT).toMatch(/^reader\s+Stable\s+1\s+\d+\s+\d{2,3}\s+ticks$/);
    await goTo("#/groups/archive");
    await expect
      .poll(() => page.locator("tbody tr").first().innerText(), TIMEOUT)
      .toMatch(/^ticks-0\s+0\s+([\d,]+)\s+\1\s+nobody$/);
    await waitFor(".panel:has([aria-label='Lag over time']) .note", "the last");
    await waitFor(".panel .legend", "Lag");
    await expect
      .poll(() => paintedPixels('[aria-label="Lag over time"] canvas', "line-4"), TIMEOUT)
      .toBeGreaterThan(50);

    await goTo("#/");
    await waitFor(".concerns li", "Group archive falls behind");
    const figure = (label: string) => page.locator(`.figure:has(.label:text-is("${label}"))`).innerText();
    await expect.poll(() => figure("Written"), TIMEOUT).toMatch(/^Written\n\d{2,3} records\/s\n[\d.,]+K? since start$/);
    expect(await figure("Read")).toMatch(/^Read\n\d{2,3} records\/s\nas groups commit$/);
    expect(await figure("In")).toMatch(/^In\n[\d.]+ k?B \/s\n/);
    expect(await figure("Out")).toMatch(/^Out\n[\d.]+ [kM]?B \/s\n/);
    expect(await figure("Produce p99")).toMatch(/^Produce p99\n[\d.]+ m?s\np50 [\d.]+ m?s$/);
    expect(await figure("Stored")).toMatch(/^Stored\n[\d.]+ [kM]B\n[\d.]+ [GT]B free$/);
    expect(await figure("Brokers")).toBe("Brokers\n1\nthe controller is 1");
    expect(Number(/\d+/.exec(await figure("Connections"))![0])).toBeGreaterThanOrEqual(4);
    for (const [chart, color] of [
      ["Records per second", "line-1"],
      ["Records per second", "line-2"],
      ["Bytes per second", "line-1"],
      ["Request time", "line-1"],
      ["Process", "line-4"],
    ] as const) {
      await expect.poll(() => paintedPixels(`[aria-label="${chart}"] canvas`, color), TIMEOUT).toBeGreaterThan(20);
    }
    await stopTicks();
    await admin.deleteGroups(["reader"]);
  }, 60_000);

  it("draws who reads what, and how far behind; resets offsets with a preview; deletes", async () => {
    const consumer = new Consumer({
      bootstrapServers: broker.bootstrapServers,
      groupId: "billing",
      clientId: "biller",
      topics: ["orders"],
      autoOffsetReset: "earliest",
      autoCommit: false,
    });
    let read = 0;
    for await (const _ of consumer) if (++read === 30) break;
    await consumer.commit([0, 1, 2].map((partition) => ({ topic: "orders", partition, offset: 6 })));
    await goTo("#/groups");
    const billing = page.locator(".virtual-row", { hasText: "billing" });
    await expect.poll(() => billing.innerText(), TIMEOUT).toMatch(/^billing\s+Stable\s+1\s+12\s+\S+\s+orders$/);
    await goTo("#/groups/billing");
    await waitFor(".assignment li[title='orders-2: member 1, biller']");
    await waitFor(".figure", "12 records");
    expect(await page.locator("tbody tr").first().innerText()).toMatch(/^orders-0\s+6\s+10\s+4\s+biller$/);
    await audit("a group");
    expect(await page.locator("button", { hasText: "Reset offsets" }).isDisabled()).toBe(true);
    await consumer.close();
    await waitFor(".assignment .unowned");
    await page.click("text=Reset offsets");
    await waitFor("dialog .notice", "18 records will be read again, 0 will be skipped");
    await audit("Reset offsets");
    await page.selectOption("dialog select[name=to]", "offset");
    await page.fill("dialog input[name=target]", "-1");
    await waitFor("dialog .error", "An offset is a whole number, 0 or more.");
    expect(await page.locator("dialog button[type=submit]").isDisabled()).toBe(true);
    await page.selectOption("dialog select[name=to]", "shift");
    await page.fill("dialog input[name=target]", "a few");
    await waitFor("dialog .error", "A whole number such as -100 or +50 is expected.");
    await page.selectOption("dialog select[name=to]", "time");
    expect(await page.locator("dialog button[type=submit]").isDisabled()).toBe(true);
    await page.selectOption("dialog select[name=to]", "shift");
    await page.fill("dialog input[name=target]", "+2");
    await waitFor("dialog .notice", "0 records will be read again, 6 will be skipped");
    await page.click("dialog button[type=submit]");
    await waitFor(".toasts", "3 partitions");
    expect((await admin.listGroupOffsets("billing")).map(({ offset }) => offset)).toEqual([8, 8, 8]);
    await goTo("#/topics/orders/consumers");
    await waitFor("td", "billing");
    expect(await page.locator("tbody tr").first().innerText()).toMatch(/^billing\s+3\s+6$/);
    await goTo("#/groups/billing");
    await page.click("button:has-text('Delete')");
    await audit("Delete a group");
    await page.click("dialog button[type=submit]");
    await waitFor("h1", "Groups");
    await billing.waitFor({ state: "detached", ...TIMEOUT });
  });

  it("shows brokers, log directories, transactions and clients", async () => {
    await goTo("#/cluster");
    await waitFor("td", broker.dataDirectory!);
    await waitFor("td", "transaction.version");
    await waitFor(".notice.good", "All partitions have a leader");
    await admin.createTopics([{ name: "hung", partitions: 1 }]);
    const transactional = new Producer({ bootstrapServers: broker.bootstrapServers, transactionalId: "closing" });
    await transactional.transaction(async (transaction) => {
      await transaction.send({ topic: "empty", value: "in a transaction" });
      await goTo("#/transactions");
      await waitFor("tr", "closing");
      await waitFor(".badge", "Ongoing");
      await leaveHangingTransaction(broker.bootstrapServers, "hung", { broker: 1 });
      await page.click("text=Look in all partitions");
      const open = page.locator(".open-transactions tbody tr");
      await expect
        .poll(async () => (await open.allInnerTexts()).map((text) => text.replace(/\s+/g, " ")), TIMEOUT)
        .toEqual([
          expect.stringMatching(/^hung-0 hung unknown to all coordinators \d+ 0 – 1 h ago Abort…$/),
          expect.stringMatching(/^empty-0 open closing \d+ [\d,]+ \d+ m?s \d+ m?s ago ?$/),
        ]);
      expect(await open.first().locator(".badge.bad").innerText()).toBe("hung");
      await waitFor(".notice.bad .command", "ottla transactions abort hung --partition 0 --start-offset 0");
    });
    await transactional.close();
    // What has ended is not open any more, whenever it began.
    const closing = page.locator("tr", { hasText: "closing" }).first();
    await expect
      .poll(async () => (await closing.innerText()).replace(/\s+/g, " "), TIMEOUT)
      .toMatch(/^closing CompleteCommit \d+ \d+ – 1 min –$/);
    await goTo("#/");
    await waitFor(".concerns li.bad", "1 hung transaction");
    await goTo("#/transactions");
    await page.click("text=Abort…");
    await waitFor("dialog", "readers of committed records skip it");
    await audit("Abort a transaction");
    await page.click("dialog button[type=submit]");
    await waitFor(".toasts", "The transaction in hung-0 is aborted.");
    await waitFor(".notice.good", "No partition has an open transaction.");
    await goTo("#/clients");
    await waitFor(".virtual-row", "ottla-console");
    await waitFor(".badge", "websocket");
    // Software with its version, and how much it says: requests, bytes in and out per second.
    const shop = page.locator(".virtual-row", { hasText: "shop" }).first();
    await expect
      .poll(async () => (await shop.innerText()).replace(/\s+/g, " "), TIMEOUT)
      .toMatch(/^shop ottla \d+\.\d+\.\d+ tcp \S+ [\d.]+ [\d.]+ k?B [\d.]+ k?B – /);
    // They stay where they are until somebody wants to know who asks most now; the next answer may come in between.
    await expect
      .poll(async () => {
        await page.click(".sort:has-text('Requests/s')");
        const rates = (await page.locator(".virtual-row [role=cell]:nth-child(5)").allInnerTexts()).map(Number);
        // Who has connected just now has no rate yet, and comes last.
        const known = rates.filter(Number.isFinite);
        return known.length > 3 && known.every((rate, index) => index === 0 || rate <= known[index - 1]!);
      }, TIMEOUT)
      .toBe(true);
  });

  it("shows who is kept waiting by a quota", async () => {
    const entity = { clientId: "greedy" };
    await admin.alterClientQuotas([{ entity, quotas: { producer_byte_rate: 100 } }]);
    await using greedy = new Producer({ bootstrapServers: broker.bootstrapServers, clientId: "greedy" });
    await greedy.send({ topic: "empty", value: "v".repeat(6_000) });
    await goTo("#/clients");
    await waitFor(".virtual-row:has-text('greedy') .badge.warn");
    await admin.alterClientQuotas([{ entity, quotas: { producer_byte_rate: null } }]);
  });

  it("deletes a topic when its name was typed", async () => {
    await goTo("#/topics/made.here");
    await page.click("button:has-text('Delete') >> nth=-1");
    await waitFor("dialog", "This deletes all 4 partitions, 1 record");
    await audit("Delete a topic");
    expect(await page.locator("dialog button[type=submit]").isDisabled()).toBe(true);
    await page.fill("input[name=confirm]", "made.here");
    await page.click("dialog button[type=submit]");
    await waitFor("h1", "Topics");
    await expect
      .poll(async () => (await admin.listTopics()).map(({ name }) => name), TIMEOUT)
      .not.toContain("made.here");
  });

  it("is at home in light and dark, on a phone, and on the keyboard", async () => {
    await goTo("#/");
    await page.keyboard.press("d");
    expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
    await page.keyboard.press("d");
    await page.keyboard.press("g");
    await page.keyboard.press("t");
    await waitFor("h1", "Topics");
    await page.keyboard.press("?");
    await waitFor("dialog", "Keyboard");
    await audit("Keyboard");
    await page.keyboard.press("Escape");
    await page.setViewportSize({ width: 390, height: 780 });
    for (const hash of [...VIEWS, "#/topics?new=1", "#/topics/orders?produce=1"]) {
      await goTo(hash);
      await waitFor(/[?]/.test(hash) ? "dialog[open]" : "h1");
      await page
        .locator(".skeleton")
        .first()
        .waitFor({ state: "detached", ...TIMEOUT });
      expect([hash, await overflow()]).toEqual([hash, 0]);
      // What is laid out in another way, or scrolled, where there is less room.
      if (/produce|partitions|archive|cluster|transactions|^#\/$/.test(hash)) await audit(`phone ${hash}`);
    }
    await goTo("#/groups/archive");
    await page.click("text=Reset offsets");
    await waitFor("dialog .notice", "Nothing would change.");
    expect(await overflow()).toBe(0);
    await audit("phone: Reset offsets");
    await page.keyboard.press("Escape");
    await page.click('[aria-label="Menu"]');
    await page.click("nav >> text=Groups");
    await waitFor("h1", "Groups");
    await page.setViewportSize({ width: 1_300, height: 900 });
  });

  it("has nothing that axe-core finds serious, in light and dark, dialogs and phones included", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const audited = await browser.newContext({ viewport: { width: 1_300, height: 900 }, colorScheme });
      const view = await audited.newPage();
      for (const hash of colorScheme === "light" ? [...VIEWS, "#/nowhere"] : ["#/", "#/topics/orders", "#/live"]) {
        await view.goto(`http://localhost:${broker.port}/${hash}`);
        await view.locator("h1, .empty").first().waitFor(TIMEOUT);
        await view.locator(".status.connected").waitFor({ state: "attached", ...TIMEOUT });
        await view
          .locator(".skeleton")
          .first()
          .waitFor({ state: "detached", ...TIMEOUT });
        if (hash === "#/topics/orders") await view.locator(".virtual-row").first().click();
        await audit(`${colorScheme} ${hash}`, view);
      }
      await audited.close();
    }
    expect(unfit).toEqual([]);
  }, 120_000);

  it("loses its broker, says so, and goes on by itself when it is back", async () => {
    await goTo("#/topics/orders?from=live");
    await waitFor(".empty", "Waiting for records");
    const { port, dataDirectory } = broker;
    await broker.kill();
    await waitFor(".notice.bad", "The broker does not answer");
    await waitFor(".status", "Reconnecting");
    broker = await BrokerProcess.start({ port, dataDirectory });
    await waitFor(".status.connected");
    await page.locator(".notice.bad", { hasText: "does not answer" }).waitFor({ state: "detached", ...TIMEOUT });
    await expect
      .poll(
        async () => {
          await producer.send(order(99));
          return (await rowTexts()).join();
        },
        { timeout: 30_000, interval: 1_000 },
      )
      .toContain('"id":99');
  }, 90_000);

  it("loads nothing from elsewhere, and fails nowhere", () => {
    const elsewhere = requests.filter(
      (url) => !url.startsWith("blob:") && new URL(url).host !== `localhost:${broker.port}`,
    );
    expect([elsewhere, errors]).toEqual([[], []]);
  });

  it("shows its frame before any script has come, in the theme that was chosen", async () => {
    const origin = `http://localhost:${broker.port}`;
    const fresh = await browser.newContext({ colorScheme: "light" });
    try {
      await fresh.addInitScript(() => localStorage.setItem("ottla-theme", "dark"));
      const early = await fresh.newPage();
      const policyProblems: string[] = [];
      early.on("console", (message) => {
        if (message.text().includes("Content Security Policy")) policyProblems.push(message.text());
      });
      await early.route("**/assets/**", () => {});
      await early.goto(`${origin}/#/topics`, { waitUntil: "commit" });
      await early.locator("nav a", { hasText: "Topics" }).waitFor(TIMEOUT);
      await early.locator(".status", { hasText: "Connecting" }).waitFor(TIMEOUT);
      expect(await early.evaluate(() => document.documentElement.dataset.theme)).toBe("dark");
      expect(policyProblems).toEqual([]);
    } finally {
      await fresh.close();
    }
  });

  it("moves nothing that is already there while the rest comes in, and no view has more than 150 KB", async () => {
    const origin = `http://localhost:${broker.port}`;
    const sizeOf = sizes(origin);
    const found: string[] = [];
    const look = async (view: Page, hash: string, width: number, height: number) => {
      const paths = new Set<string>();
      const onResponse = (response: Response) => paths.add(new URL(response.url()).pathname);
      await view.setViewportSize({ width, height });
      await view.goto("about:blank"); // another hash alone would load nothing
      view.on("response", onResponse);
      await view.goto(`${origin}/${hash}`);
      await view.locator("h1").waitFor(TIMEOUT);
      await view
        .locator(".skeleton")
        .first()
        .waitFor({ state: "detached", ...TIMEOUT });
      await view.locator(".status.connected").waitFor({ state: "attached", ...TIMEOUT });
      const last = LAST_TO_COME[hash];
      if (last !== undefined) await view.locator(last, { hasText: /\w/ }).first().waitFor(TIMEOUT);
      const { total, entries } = await layoutShifts(view);
      view.off("response", onResponse);
      if (total >= SHIFT_MAX) found.push(`${width} ${hash} moves, ${total.toFixed(3)}: ${entries.join("; ")}`);
      const size = await sizeOf([...paths].filter((path) => path === "/" || path.startsWith("/assets/")));
      if (size > 150_000) found.push(`${hash} has ${size} bytes`);
    };
    const jobs = [
      ...VIEWS.map((hash) => (view: Page) => look(view, hash, 1_300, 900)),
      ...["#/", "#/topics/orders", "#/cluster", "#/transactions", "#/live"].map(
        (hash) => (view: Page) => look(view, hash, 390, 780),
      ),
    ];
    const fresh = await browser.newContext();
    await answerAsABusyBroker(fresh);
    const takeJobs = async () => {
      const view = await pageWithoutCache(fresh);
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job(view);
    };
    await Promise.all([takeJobs(), takeJobs(), takeJobs()]);
    await fresh.unrouteAll({ behavior: "ignoreErrors" });
    await fresh.close();
    // As the message too: the difference is not in the summary of a run.
    expect(found, found.join("\n")).toEqual([]);
  }, 120_000);

  it("stays fast with thousands of topics, and knows the lag of more groups than it asks for at a time", async () => {
    const crowd = Array.from({ length: 120 }, (_, index) => `crowd-${index}`);
    const offset = { topic: "orders", partition: 0, offset: 0 };
    await Promise.all(crowd.map((group) => admin.alterGroupOffsets(group, [offset])));
    await admin.createTopics(
      Array.from({ length: 2_000 }, (_, index) => ({ name: `many-${String(index).padStart(4, "0")}`, partitions: 1 })),
    );
    await goTo("#/topics?q=many");
    await expect.poll(() => page.locator(".page-head .about").innerText(), { timeout: 30_000 }).toContain("2,000 of");
    expect(await rows().count()).toBeLessThan(60);
    await page.locator(".virtual-body").evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await waitFor(".virtual-row", "many-1999");
    const beganAtMs = performance.now();
    await page.fill("[data-search]", "many-0777");
    await expect.poll(rowTexts).toEqual([expect.stringMatching(/^many-0777 /)]);
    expect(performance.now() - beganAtMs).toBeLessThan(1_000);
    await goTo("#/groups?q=crowd");
    await waitFor(".page-head .about", "120 of");
    // Those whose lag is not known yet come last.
    await page.locator(".virtual-body").evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await expect
      .poll(async () => (await rowTexts()).filter((text) => !/^crowd-\d+ Empty 0 [1-9]\d* /.test(text)), TIMEOUT)
      .toEqual([]);
  }, 60_000);

  /** How many points of a canvas are of a color of the theme, more or less: lines are smoothed. */
  function paintedPixels(selector: string, color: string): Promise<number> {
    return page.locator(selector).evaluate((element, name) => {
      const canvas = element as HTMLCanvasElement;
      const context = canvas.getContext("2d")!;
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
      const wanted = [1, 3, 5].map((at) => Number.parseInt(String(context.fillStyle).slice(at, at + 2), 16));
      let count = 0;
      for (let at = 0; at < data.length; at += 4) {
        const isNear = wanted.every((value, channel) => Math.abs(data[at + channel]! - value) < 24);
        if (data[at + 3]! > 160 && isNear) count++;
      }
      return count;
    }, color);
  }
});

/** All views that have an address. */
const VIEWS = [
  "#/",
  "#/topics",
  "#/topics/orders",
  "#/topics/orders/partitions",
  "#/topics/orders/configs",
  "#/topics/orders/consumers",
  "#/groups",
  "#/groups/archive",
  "#/cluster",
  "#/transactions",
  "#/clients",
  "#/live",
];

/** What web.dev calls good is below. */
const SHIFT_MAX = 0.1;

/** What comes into a view when all else is there: what needs attention, rates with the second answer, a hint. */
const LAST_TO_COME: Readonly<Record<string, string>> = {
  "#/": ".concerns li",
  "#/clients": ".virtual-row [role=cell]:nth-child(5)",
  "#/live": ".hint",
};

/**
 * What a broker says of itself on a busy machine, where this would be a matter of luck: its event loop is late, and of
 * its clients, none of which has asked anything at first, the last ask most from the second answer on.
 */
async function answerAsABusyBroker(context: BrowserContext): Promise<void> {
  const answers = new WeakMap<Page, number>();
  await context.route("**/console/state", async (route) => {
    const response = await route.fetch();
    const state = (await response.json()) as { process: { eventLoopDelayP99Ms: number } };
    state.process.eventLoopDelayP99Ms = 342;
    await route.fulfill({ response, json: state });
  });
  await context.route("**/console/connections", async (route) => {
    const response = await route.fetch();
    const state = (await response.json()) as { connections: object[] };
    const page = route.request().frame().page();
    const answer = answers.get(page) ?? 0;
    answers.set(page, answer + 1);
    state.connections = Array.from({ length: 12 }, (_, id) => {
      return { ...state.connections[0], id, requestsCount: answer * 100 * id };
    });
    await route.fulfill({ response, json: state });
  });
}

/** Sizes of files as they are sent, compressed; each is fetched once. */
function sizes(origin: string): (paths: readonly string[]) => Promise<number> {
  const known = new Map<string, Promise<number>>();
  const fetched = async (path: string) =>
    gzipSync(Buffer.from(await (await fetch(origin + path)).arrayBuffer()), { level: 9 }).length;
  return async (paths) => {
    for (const path of paths) if (!known.has(path)) known.set(path, fetched(path));
    const all = await Promise.all(paths.map((path) => known.get(path)!));
    return all.reduce((sum, size) => sum + size, 0);
  };
}

interface Axe {
  run(within: Node, options: { readonly resultTypes: readonly string[] }): Promise<AxeResult>;
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser } from "../harness/browser.ts";
import { ClusterProcesses } from "../harness/cluster-processes.ts";
import { external, zooKeeperClassPath } from "../harness/external.ts";

const TIMEOUT = { timeout: 20_000 };
const RECORDS_PER_PARTITION = 20;

const isPossible = external.chromium !== null && zooKeeperClassPath !== null;

describe.skipIf(!isPossible)("the console of a cluster, served by one of three brokers", { timeout: 60_000 }, () => {
  let cluster: ClusterProcesses;
  let admin: Admin;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    cluster = await ClusterProcesses.start();
    admin = new Admin({ bootstrapServers: cluster.bootstrapServers });
    await admin.createTopics([{ name: "orders", assignments: [[1], [2], [3]] }]);
    await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
    for (const partition of [0, 1, 2]) {
      const values = Array.from({ length: RECORDS_PER_PARTITION }, (_, n) => `${n} on broker ${partition + 1}`);
      await producer.send(values.map((value) => ({ topic: "orders", partition, value: value.padEnd(10_000, ".") })));
    }
    browser = await launchBrowser();
    page = await browser.newPage();
    page.on("pageerror", (error) => errors.push(String(error)));
  }, 90_000);
  afterAll(async () => {
    await browser?.close();
    await admin?.close();
    await cluster?.stop();
  });

  const goTo = (hash: string) => page.goto(`http://localhost:${cluster.broker(1).port}/${hash}`);
  const waitFor = (selector: string, hasText: string) => page.locator(selector, { hasText }).first().waitFor(TIMEOUT);

  it("names all brokers, and has their log directories", async () => {
    await goTo("#/cluster");
    for (const id of [1, 2, 3]) {
      await waitFor("td", `:${cluster.broker(id).port}`);
      await waitFor("td", `broker ${id} `);
    }
  });

  it("adds up what every broker has counted", async () => {
    await goTo("#/");
    const written = page.locator(".figure", { hasText: "Written" });
    const total = cluster.brokerIds.length * RECORDS_PER_PARTITION;
    await expect.poll(() => written.innerText(), TIMEOUT).toContain(`${total} since start`);
    expect(await page.locator(".about").first().innerText()).toBe("How this cluster is doing right now.");
  });

  it("reads records of every broker: the page has a WebSocket to each", async () => {
    const sockets = new Set<string>();
    page.on("websocket", (socket) => sockets.add(new URL(socket.url()).port));
    await page.reload();
    for (const id of [1, 2, 3]) {
      await goTo(`#/topics/orders?from=oldest&partition=${id - 1}`);
      await waitFor(".virtual-row", `on broker ${id}`);
    }
    expect([...sockets].sort()).toEqual(cluster.brokerIds.map((id) => String(cluster.broker(id).port)).sort());
  });

  it("shows a reassignment with its progress, until it is done", async () => {
    // 200 KB at 2 KB a second: slow enough to be seen.
    const throttle = { "leader.replication.throttled.replicas": "*", "follower.replication.throttled.replicas": "*" };
    const changes = Object.entries(throttle).map(([key, value]) => ({ key, value }));
    await admin.incrementalAlterConfigs([{ type: "topic", name: "orders", changes }]);
    const limits = ["leader", "follower"].map((side) => `${side}.replication.throttled.rate`);
    const limitTo = (bytesPerSecond: number) =>
      admin.incrementalAlterConfigs(
        cluster.brokerIds.map((id) => ({
          type: "broker" as const,
          name: String(id),
          changes: limits.map((key) => ({ key, value: bytesPerSecond })),
        })),
      );
    await limitTo(2_000);
    await goTo("#/cluster");
    await admin.alterPartitionReassignments([{ topic: "orders", partition: 0, replicas: [1, 2] }]);
    await waitFor(".reassignments tr", "orders-0");
    await waitFor(".reassignments .badge.good", "2");
    expect(await page.locator(".reassignments .bar").getAttribute("aria-label")).toMatch(/^\d+% is copied$/);
    // Seen anew, while it is under way: nothing is amiss.
    await page.reload();
    await waitFor(".reassignments tr", "orders-0");
    await waitFor(".notice", "All partitions have a leader, and all replicas are in sync.");
    await limitTo(100_000_000);
    await page.locator(".reassignments").waitFor({ state: "detached", timeout: 40_000 });
    expect((await admin.describeTopics(["orders"]))[0]!.partitions[0]!.replicas).toEqual([1, 2]);
    expect(errors).toEqual([]);
  });

  it("shows what each broker replicates, and what brokers that die leave behind", async () => {
    await admin.createTopics([{ name: "payments", assignments: [[1, 2, 3]] }]);
    await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
    await producer.send({ topic: "payments", partition: 0, value: "x".repeat(500_000) });
    await goTo("#/cluster");
    const replicated = (brokerId: number) =>
      page
        .locator(".replication tbody tr")
        .nth(brokerId - 1)
        .innerText();
    await expect.poll(() => replicated(1), TIMEOUT).toMatch(/\d(\.\d)? MB$/);
    expect(await replicated(1)).toMatch(/^1\s+0\s+0\s/);
    await waitFor(".notice", "All partitions have a leader, and all replicas are in sync.");

    await cluster.killBroker(3);
    await waitFor("td .badge.bad", "fenced");
    const payments = page.locator(".troubles tr", { hasText: "payments-0" });
    await payments.locator(".badge.bad", { hasText: "3" }).waitFor(TIMEOUT);
    expect(await payments.locator(".badge.good").allInnerTexts()).toEqual(["1", "2"]);
    const alone = page.locator(".troubles tr", { hasText: "orders-2" });
    expect(await alone.locator(".badge.bad").allInnerTexts()).toEqual(["none", "3"]);
    expect(await page.locator(".troubles", { hasText: "under min.insync.replicas" }).count()).toBe(0);

    await cluster.killBroker(2);
    await payments.locator(".badge.bad", { hasText: "under min.insync.replicas" }).waitFor(TIMEOUT);
    // Also orders-0, which has moved to brokers 1 and 2.
    await expect.poll(() => replicated(1), TIMEOUT).toMatch(/^1\s+0\s+2\s/);
    expect(await replicated(2)).toMatch(/^2\s+–/);
    await goTo("#/");
    for (const said of ["Broker 2 is fenced", "Broker 3 is fenced", "without a leader", "with replicas out of sync"]) {
      await waitFor(".concerns li", said);
    }
    expect(errors).toEqual([]);
  });
});

// A cluster with something to see: topics, records, groups with lag, a transaction that is open.
import { Admin } from "@ottla/admin";
import { ClusterClient } from "@ottla/client/internal";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { encodeRecordBatch, initProducerIdApi, produceApi } from "@ottla/protocol";

const CITIES = ["Praha", "Brno", "Plzeň", "Liberec", "Olomouc", "Zürau", "Merano"];
const NAMES = ["Felice", "Milena", "Dora", "Julie", "Max", "Oskar", "Grete"];
const TOPICS = [
  { name: "orders", partitions: 6, configs: { "retention.ms": 604_800_000 } },
  { name: "payments", partitions: 3 },
  { name: "shipments", partitions: 3 },
  { name: "customers", partitions: 3, configs: { "cleanup.policy": "compact" } },
  { name: "clicks", partitions: 12 },
  { name: "audit.log", partitions: 1 },
  { name: "inventory.changes", partitions: 4 },
];

/** Fills the cluster and keeps it moving until it is closed. */
export async function liveCluster(bootstrapServers) {
  const admin = new Admin({ bootstrapServers });
  await admin.createTopics(TOPICS);
  await admin.close();
  const producer = new Producer({ bootstrapServers, clientId: "shop-frontend", lingerMs: 5 });
  const accountant = new Producer({
    bootstrapServers,
    clientId: "accounting",
    transactionalId: "monthly-close",
    transactionTimeoutMs: 600_000,
  });
  const random = numbers(7);
  let count = 0;
  const sendSome = async () => {
    const records = Array.from({ length: 60 }, () => recordOf(random, ++count));
    await producer.send(records);
  };
  for (let i = 0; i < 40; i++) await sendSome();
  const consumers = [
    ...groupOf(bootstrapServers, "billing", "orders", 3, 0),
    ...groupOf(bootstrapServers, "warehouse", "shipments", 2, 0),
    ...groupOf(bootstrapServers, "fraud-detection", "payments", 1, 400),
  ];
  const sending = setInterval(() => void sendSome(), 100);
  let endTransaction = () => {};
  const transaction = accountant.transaction(async (open) => {
    await open.send({ topic: "audit.log", key: "close", value: JSON.stringify({ month: "2026-10" }) });
    await new Promise((resolve) => {
      endTransaction = resolve;
    });
  });
  return {
    leaveHungTransaction: () => leaveHungTransaction(bootstrapServers),
    async close() {
      clearInterval(sending);
      endTransaction();
      await transaction.catch(() => {});
      await Promise.all([...consumers, producer, accountant].map((client) => client.close()));
    },
  };
}

/** A transactional record that came late, where nobody checks: no coordinator knows of its transaction. */
async function leaveHungTransaction(bootstrapServers) {
  const client = new ClusterClient({ bootstrapServers }, { component: "pictures", allowAutoTopicCreation: false });
  const asked = { transactionalId: null, transactionTimeoutMs: 1_000 };
  const { producerId } = await client.ask("any", initProducerIdApi, asked);
  const batch = { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true };
  const timestampMs = Date.now() - 5_400_000;
  const records = encodeRecordBatch({ ...batch, records: [{ value: "late" }], timestampMs });
  const topicData = [{ name: "payments", partitionData: [{ index: 1, records }] }];
  const body = { transactionalId: "gone", acks: -1, timeoutMs: 1_000, topicData };
  await client.ask({ broker: 1 }, produceApi, body, { maxVersion: 11 });
  await client.close();
}

function groupOf(bootstrapServers, groupId, topic, members, delayMs) {
  return Array.from({ length: members }, (_, index) => {
    const consumer = new Consumer({
      bootstrapServers,
      groupId,
      clientId: `${groupId}-${index + 1}`,
      topics: [topic],
      autoOffsetReset: "earliest",
      autoCommitIntervalMs: 500,
      maxPollRecords: delayMs > 0 ? 5 : 500,
    });
    void (async () => {
      for await (const _ of consumer.batches()) if (delayMs > 0) await new Promise((done) => setTimeout(done, delayMs));
    })().catch(() => {});
    return consumer;
  });
}

function recordOf(random, count) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  const topic = pick([
    "orders",
    "orders",
    "orders",
    "payments",
    "payments",
    "shipments",
    "clicks",
    "clicks",
    "customers",
  ]);
  const customer = pick(NAMES);
  const values = {
    orders: {
      id: count,
      customer,
      city: pick(CITIES),
      items: [{ sku: `K-${100 + (count % 40)}`, quantity: 1 + (count % 3) }],
      total: Math.round(random() * 20_000) / 100,
      currency: "CZK",
    },
    payments: { order: count, method: pick(["card", "transfer", "cash"]), amount: Math.round(random() * 20_000) / 100 },
    shipments: { order: count, to: pick(CITIES), carrier: pick(["post", "rail"]) },
    clicks: { page: pick(["/", "/books", "/cart", "/castle"]), ms: Math.round(random() * 900) },
    customers: { name: customer, city: pick(CITIES), since: 1912 + (count % 12) },
  };
  const key = topic === "customers" || topic === "orders" ? customer.toLowerCase() : String(count);
  const headers = [["trace-id", (count * 7919).toString(16).padStart(16, "0")]];
  return { topic, key, value: JSON.stringify(values[topic]), headers };
}

/** Numbers from 0 to 1, the same in each run. */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

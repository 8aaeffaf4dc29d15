import { once } from "node:events";
import { connect } from "node:net";
import { createServer, type Server } from "node:tls";
import { inspect } from "node:util";
import { Admin } from "@ottla/admin";
import { startBroker } from "@ottla/broker-app";
import type { ClientOptions, KafkaError, SaslOptions } from "@ottla/client";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { createSystemRuntime, type Logger } from "@ottla/runtime";
import { type Connector, createDefaultConnector } from "@ottla/transport";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KAFKA_3_VERSION, KAFKA_VERSION } from "../../../tools/fetch/external-programs.mjs";
import { Certificates, hasOpenssl } from "../harness/certificates.ts";
import { kafka3ClassPath, kafkaClassPath } from "../harness/external.ts";
import type { KafkaProcess } from "../harness/kafka-process.ts";
import { MECHANISMS, REAUTH_MS, SECRET, startSecureKafka } from "../harness/secure-kafka.ts";
import { tokenFor } from "../harness/token-endpoint.ts";

function saslOf(mechanism: string, password = SECRET): SaslOptions {
  if (mechanism === "OAUTHBEARER") return { mechanism, token: async () => tokenFor("alice") };
  return { mechanism: mechanism as "PLAIN", username: "alice", password };
}

async function errorOf(promise: Promise<unknown>): Promise<KafkaError> {
  return await promise.then(
    () => expect.fail("it did not fail"),
    (error: KafkaError) => error,
  );
}

/** Writes a record and reads it back. */
async function roundTrip(options: ClientOptions, topic: string): Promise<void> {
  await using producer = new Producer(options);
  const { partition, offset } = await producer.send({ topic, value: "v" });
  await using consumer = new Consumer({ ...options, autoOffsetReset: "earliest" });
  consumer.assign([{ topic, partition }]);
  consumer.seek({ topic, partition }, offset);
  for await (const record of consumer) {
    expect(record.value).toBe("v");
    break;
  }
}

function recordingLogger(): Logger & { readonly lines: unknown[] } {
  const lines: unknown[] = [];
  const log = (...line: unknown[]) => void lines.push(line);
  const logger = { lines, debugEnabled: true, error: log, warn: log, info: log, debug: log, child: () => logger };
  return logger;
}

const kafkas = [
  { version: KAFKA_VERSION, classPath: kafkaClassPath },
  { version: KAFKA_3_VERSION, classPath: kafka3ClassPath },
];

for (const { version, classPath } of kafkas) {
  describe.skipIf(classPath === null || !hasOpenssl)(`security on Apache Kafka ${version}`, () => {
    let certificates: Certificates;
    let kafka: KafkaProcess;

    beforeAll(async () => {
      certificates = new Certificates();
      kafka = await startSecureKafka(certificates, classPath);
    });
    afterAll(async () => {
      await kafka?.stop();
      certificates?.remove();
    });

    it("TLS: with the authority's certificate", async () => {
      await roundTrip({ bootstrapServers: kafka.addressOf("TLS"), ssl: { ca: certificates.ca } }, "over-tls");
    });

    it("TLS: a broker that cannot be trusted is refused at once, in words", async () => {
      await using producer = new Producer({ bootstrapServers: kafka.addressOf("TLS"), ssl: true });
      const error = await errorOf(producer.send({ topic: "t", value: "v" }));
      expect(error).toMatchObject({ code: "SSL_HANDSHAKE_FAILED", retriable: false });
      expect(error.message).toContain("see ssl.ca");
    });

    it("TLS: the name in the certificate has to be the one that was asked for", async () => {
      const ssl = { ca: certificates.ca, servername: "elsewhere.example" };
      await using admin = new Admin({ bootstrapServers: kafka.addressOf("TLS"), ssl });
      const error = await errorOf(admin.listTopics());
      expect(error).toMatchObject({ code: "SSL_HANDSHAKE_FAILED" });
      expect(error.message).toContain("elsewhere.example");
    });

    it("a port that speaks something else than the client says so", async () => {
      const ssl = { ca: certificates.ca };
      await using tls = new Admin({ bootstrapServers: kafka.bootstrapServers, ssl, defaultApiTimeoutMs: 1_000 });
      await using plain = new Admin({ bootstrapServers: kafka.addressOf("TLS"), defaultApiTimeoutMs: 1_000 });
      await using noSasl = new Admin({ bootstrapServers: kafka.addressOf("SASL"), defaultApiTimeoutMs: 1_000 });
      const [toPlain, toTls, toSasl] = await Promise.all(
        [tls, plain, noSasl].map((admin) => errorOf(admin.listTopics())),
      );
      expect(toPlain!.message).toContain("over TLS");
      for (const error of [toTls!, toSasl!]) expect(error.message).toContain("see the options ssl and sasl");
    });

    it("mTLS: with the client's certificate, and not without", async () => {
      const { ca, client } = certificates;
      const bootstrapServers = kafka.addressOf("MTLS");
      await roundTrip({ bootstrapServers, ssl: { ca, ...client } }, "over-mtls");
      await using admin = new Admin({ bootstrapServers, ssl: { ca }, defaultApiTimeoutMs: 3_000 });
      const error = await errorOf(admin.listTopics());
      expect(error.message).toMatch(/certificate|closed|reset/);
    });

    for (const mechanism of MECHANISMS) {
      it(`${mechanism}: writes and reads, with TLS below too`, async () => {
        const sasl = saslOf(mechanism);
        const topic = `as-${mechanism.toLowerCase()}`;
        await roundTrip({ bootstrapServers: kafka.addressOf("SASL"), sasl }, topic);
        await roundTrip({ bootstrapServers: kafka.addressOf("SASLTLS"), sasl, ssl: { ca: certificates.ca } }, topic);
      });
    }

    it.each(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])("%s: a wrong password fails at once", async (mechanism) => {
      const logger = recordingLogger();
      const sasl = saslOf(mechanism, `${SECRET}-not`);
      const options = { bootstrapServers: kafka.addressOf("SASL"), sasl, logger };
      await using producer = new Producer(options);
      const error = await errorOf(producer.send({ topic: "t", value: "v" }));
      expect(error).toMatchObject({ code: "SASL_AUTHENTICATION_FAILED", retriable: false });
      await using consumer = new Consumer({ ...options, groupId: "g", topics: "t" });
      expect(await errorOf(consumer.start())).toMatchObject({ code: "SASL_AUTHENTICATION_FAILED" });
      await using admin = new Admin(options);
      expect(await errorOf(admin.listTopics())).toMatchObject({ code: "SASL_AUTHENTICATION_FAILED" });
      expect(logger.lines.length).toBeGreaterThan(0);
      const everything = inspect([error, producer, consumer, admin, logger.lines], { depth: 30, showHidden: true });
      expect(everything).not.toContain(SECRET);
      expect(JSON.stringify([error, producer, consumer, admin])).not.toContain(SECRET);
    });

    it("OAUTHBEARER: a token that is refused, and one that cannot be had", async () => {
      const bootstrapServers = kafka.addressOf("SASL");
      const expired = tokenFor("alice", -60);
      const token = async () => expired;
      await using refused = new Admin({ bootstrapServers, sasl: { mechanism: "OAUTHBEARER", token } });
      const error = await errorOf(refused.listTopics());
      expect(error).toMatchObject({ code: "SASL_AUTHENTICATION_FAILED" });
      expect(inspect(error, { depth: 20 })).not.toContain(expired);
      const none = async () => Promise.reject(new Error("503"));
      await using without = new Admin({
        ...{ bootstrapServers, defaultApiTimeoutMs: 1_000 },
        sasl: { mechanism: "OAUTHBEARER", token: none },
      });
      expect((await errorOf(without.listTopics())).message).toContain("503");
    });

    it("sessions are renewed on their connections, with new tokens, while records flow", async () => {
      const runtime = createSystemRuntime();
      const inner = createDefaultConnector(runtime);
      let connects = 0;
      const connector: Connector = {
        connect: (address, options) => {
          connects++;
          return inner.connect(address, options);
        },
      };
      let tokens = 0;
      const token = async () => {
        tokens++;
        return tokenFor("alice");
      };
      const options: ClientOptions = {
        ...{ bootstrapServers: kafka.addressOf("SASL"), connector },
        sasl: { mechanism: "OAUTHBEARER", token },
      };
      const topic = "renewed";
      await using producer = new Producer(options);
      await using consumer = new Consumer({
        ...options,
        groupId: "renewed",
        topics: topic,
        autoOffsetReset: "earliest",
      });
      await producer.send({ topic, value: "first" });
      const seen: (string | null)[] = [];
      const reading = (async () => {
        for await (const record of consumer) if (seen.push(record.value) && record.value === "last") break;
      })();
      await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(1);
      const connectsBefore = connects;
      const tokensBefore = tokens;
      const sends: Promise<unknown>[] = [];
      const untilMs = performance.now() + 2.6 * REAUTH_MS;
      while (performance.now() < untilMs) {
        sends.push(producer.send({ topic, partition: 0, value: `v${sends.length}` }));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await Promise.all(sends);
      await producer.send({ topic, partition: 0, value: "last" });
      await reading;
      expect(connects).toBe(connectsBefore);
      expect(tokens - tokensBefore).toBeGreaterThanOrEqual(4);
      expect(seen.slice(1)).toEqual([...sends.map((_, index) => `v${index}`), "last"]);
    });
  });
}

describe.skipIf(!hasOpenssl)("wss:// through a proxy that ends TLS before our broker", () => {
  let certificates: Certificates;
  let broker: Awaited<ReturnType<typeof startBroker>>;
  let proxy: Server;
  let address: string;
  const names: (string | false)[] = [];

  beforeAll(async () => {
    certificates = new Certificates();
    const { ca, server } = certificates;
    proxy = createServer({ ...server, ca, requestCert: true, rejectUnauthorized: true });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const { port } = proxy.address() as { port: number };
    address = `wss://localhost:${port}`;
    broker = await startBroker({ port: 0, memory: true });
    proxy.on("tlsClientError", () => {});
    proxy.on("secureConnection", (socket) => {
      names.push(socket.servername || false);
      const upstream = connect(broker.port, "127.0.0.1");
      socket.pipe(upstream).pipe(socket);
      for (const one of [socket, upstream]) one.on("error", () => {});
    });
  });
  afterAll(async () => {
    await broker?.close();
    proxy?.close();
    certificates?.remove();
  });

  it("writes and reads, with the client's certificate and the name of the host", async () => {
    const { ca, client } = certificates;
    await roundTrip({ bootstrapServers: address, ssl: { ca, ...client } }, "over-wss");
    expect(new Set(names)).toEqual(new Set(["localhost"]));
  });

  it("does not trust blindly", async () => {
    await using admin = new Admin({ bootstrapServers: address });
    expect(await errorOf(admin.listTopics())).toMatchObject({ code: "SSL_HANDSHAKE_FAILED" });
  });
});

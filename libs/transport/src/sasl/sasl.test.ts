import { inspect } from "node:util";
import {
  type AnyMessage,
  type ApiDefinition,
  apiVersionsApi,
  ByteReader,
  ErrorCode,
  encodeResponse,
  type KafkaError,
  metadataApi,
  saslAuthenticateApi,
  saslHandshakeApi,
} from "@ottla/protocol";
import { createSimulatedRuntime } from "@ottla/runtime";
import { describe, expect, test } from "vitest";
import { BrokerConnection } from "../client/broker-connection.ts";
import type { InboundRequest } from "../server/contract.ts";
import { memoryConnector, turns } from "../test-support/support.ts";
import { createSaslAuthentication } from "./authentication.ts";
import { oauthBearerExchange } from "./oauthbearer.ts";
import type { SaslOptions } from "./sasl-options.ts";
import { scramExchange } from "./scram.ts";
import { TokenSource } from "./token-source.ts";

const SECRET = "correct-horse-battery";
const text = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes));
const bytes = (message: string) => new TextEncoder().encode(message);

async function errorOf(promise: Promise<unknown>): Promise<KafkaError> {
  return await promise.then(
    () => expect.unreachable("it resolved"),
    (error: KafkaError) => error,
  );
}

describe("SCRAM", () => {
  // The example of RFC 7677.
  const credentials = {
    ...({ hash: "SHA-256", username: "user", password: "pencil", isDelegationToken: false } as const),
    nonce: "rOprNGfwEbeRWgbNEkqO",
  };
  const serverFirst = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

  test("says what the RFC's example says, and knows its server", async () => {
    const exchange = scramExchange(credentials);
    expect(text(await exchange.first())).toBe("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    expect(text(await exchange.next(bytes(serverFirst)))).toBe(
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    );
    expect(await exchange.next(bytes("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="))).toBeNull();
  });

  test.each([
    ["another nonce", "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "another nonce"],
    ["too few iterations", serverFirst.replace("i=4096", "i=1"), "asks for 1 iterations"],
    ["iterations without end", serverFirst.replace("i=4096", "i=99999999999"), "iterations"],
    ["nonsense", "hello", "cannot be read"],
    ["a salt that is none", serverFirst.replace("W22Z", "!!!!"), "not Base64"],
  ])("refuses a broker with %s", async (_, message, reason) => {
    const exchange = scramExchange(credentials);
    await exchange.first();
    const error = await errorOf(Promise.resolve(exchange.next(bytes(message))));
    expect(error).toMatchObject({ code: "SASL_AUTHENTICATION_FAILED", retriable: false });
    expect(error.message).toContain(reason);
  });

  test("refuses a broker that does not know the password's hash", async () => {
    const exchange = scramExchange(credentials);
    await exchange.first();
    await exchange.next(bytes(serverFirst));
    const error = await errorOf(Promise.resolve(exchange.next(bytes("v=AAAA"))));
    expect(error.message).toContain("could not prove");
  });

  test("escapes names, and says that it is a token", async () => {
    const exchange = scramExchange({ ...credentials, username: "a=b,c", isDelegationToken: true });
    expect(text(await exchange.first())).toBe(`n,,n=a=3Db=2Cc,r=${credentials.nonce},tokenauth=true`);
  });
});

describe("OAUTHBEARER", () => {
  test("sends the token with its extensions", () => {
    const exchange = oauthBearerExchange({ value: "abc.def", extensions: { logicalCluster: "lkc-1" } });
    expect(text(exchange.first() as Uint8Array)).toBe("n,,\x01auth=Bearer abc.def\x01logicalCluster=lkc-1\x01\x01");
  });

  test.each([
    [{ value: "a b" }, "no token"],
    [{ value: "a", extensions: { auth: "x" } }, "extension"],
    [{ value: "a", extensions: { name: "x\x01y" } }, "extension"],
  ])("refuses %j", (token, reason) => {
    expect(() => oauthBearerExchange(token).first()).toThrow(reason);
  });

  test("one call of the provider serves all who ask at once, and while the token lives", async () => {
    const runtime = createSimulatedRuntime(1);
    let calls = 0;
    const source = new TokenSource(async () => {
      calls++;
      return { value: `token-${calls}`, expiresAtMs: runtime.clock.nowMs() + 10_000 };
    }, runtime.clock);
    const both = await Promise.all([source.get(), source.get()]);
    expect(both.map(({ value }) => value)).toEqual(["token-1", "token-1"]);
    await runtime.advance(7_000);
    expect((await source.get()).value).toBe("token-1");
    await runtime.advance(2_000);
    expect((await source.get()).value).toBe("token-2");
  });

  test("a provider that fails can be asked again", async () => {
    const runtime = createSimulatedRuntime(1);
    let calls = 0;
    const source = new TokenSource(async () => {
      if (++calls === 1) throw new Error("503 from the token endpoint");
      return "t";
    }, runtime.clock);
    const error = await errorOf(source.get());
    expect(error).toMatchObject({ code: "TOKEN_UNAVAILABLE", retriable: true });
    expect(error.message).toContain("503");
    expect((await source.get()).value).toBe("t");
  });
});

describe("on a connection", () => {
  type AnyApi = ApiDefinition<AnyMessage, AnyMessage>;

  interface Options {
    readonly sasl?: SaslOptions;
    readonly sessionLifetimeMs?: number;
    readonly accepts?: (message: string) => boolean;
    readonly apis?: readonly AnyApi[];
    /** Keeps requests other than SASL's from being answered. */
    readonly onOther?: (request: InboundRequest) => void;
  }

  function setUp({
    sasl = { mechanism: "PLAIN", username: "alice", password: SECRET },
    sessionLifetimeMs = 0,
    accepts = () => true,
    apis = [saslHandshakeApi, saslAuthenticateApi, metadataApi],
    onOther,
  }: Options = {}) {
    const runtime = createSimulatedRuntime(1);
    const seen: string[] = [];
    const answerOther = (request: InboundRequest) => {
      const { requestApiVersion, correlationId } = request.header;
      const body = { brokers: [], clusterId: "c", controllerId: 1, topics: [] };
      request.respond(encodeResponse(metadataApi, requestApiVersion, correlationId, body));
    };
    const connector = memoryConnector(
      (request) => {
        const { requestApiKey, requestApiVersion, correlationId } = request.header;
        const read = <A extends AnyApi>(api: A) =>
          api.request.decode(new ByteReader(request.frame, request.bodyOffset), requestApiVersion);
        if (requestApiKey === apiVersionsApi.key) {
          const apiKeys = [apiVersionsApi, ...apis].map(({ key, validVersions: { min, max } }) => {
            return { apiKey: key, minVersion: min, maxVersion: max };
          });
          request.respond(encodeResponse(apiVersionsApi, requestApiVersion, correlationId, { errorCode: 0, apiKeys }));
        } else if (requestApiKey === saslHandshakeApi.key) {
          const { mechanism } = read(saslHandshakeApi) as { mechanism: string };
          seen.push(`handshake ${mechanism}`);
          const errorCode = mechanism === "PLAIN" ? 0 : ErrorCode.UNSUPPORTED_SASL_MECHANISM;
          const body = { errorCode, mechanisms: ["PLAIN", "GSSAPI"] };
          request.respond(encodeResponse(saslHandshakeApi, requestApiVersion, correlationId, body));
        } else if (requestApiKey === saslAuthenticateApi.key) {
          const { authBytes } = read(saslAuthenticateApi) as { authBytes: Uint8Array };
          seen.push("authenticate");
          const isRight = accepts(text(authBytes) ?? "");
          const errorCode = isRight ? 0 : ErrorCode.SASL_AUTHENTICATION_FAILED;
          const errorMessage = isRight ? null : "Authentication failed: Invalid username or password";
          const body = { errorCode, errorMessage, authBytes: new Uint8Array(0), sessionLifetimeMs };
          request.respond(encodeResponse(saslAuthenticateApi, requestApiVersion, correlationId, body));
        } else {
          seen.push("metadata");
          (onOther ?? answerOther)(request);
        }
      },
      { runtime },
    );
    const open = () =>
      BrokerConnection.open({
        ...{ address: { host: "b", port: 9092 }, clientId: "test", connector, runtime },
        authenticate: createSaslAuthentication(sasl, runtime),
      });
    return { runtime, seen, open, answerOther };
  }

  test("a user who is known comes in before anything else is asked", async () => {
    const sent: string[] = [];
    const { open, seen } = setUp({ accepts: (message) => sent.push(message) > 0 });
    const connection = await open();
    await connection.request(metadataApi, { topics: [] });
    expect(sent).toEqual([`\0alice\0${SECRET}`]);
    expect(seen).toEqual(["handshake PLAIN", "authenticate", "metadata"]);
    expect(inspect(connection, { depth: 20, showHidden: true })).not.toContain(SECRET);
  });

  test("one who is not gets the broker's words, without the secret, and is not to try again", async () => {
    const error = await errorOf(setUp({ accepts: () => false }).open());
    expect(error).toMatchObject({ code: "SASL_AUTHENTICATION_FAILED", errno: 58, retriable: false });
    expect(error.message).toContain("Invalid username or password");
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(SECRET);
  });

  test("a mechanism that the broker lacks is named, with those that it has", async () => {
    const { open } = setUp({ sasl: { mechanism: "SCRAM-SHA-512", username: "alice", password: SECRET } });
    const error = await errorOf(open());
    expect(error.code).toBe("UNSUPPORTED_SASL_MECHANISM");
    expect(error.message).toContain("b:9092 does not offer SCRAM-SHA-512; it offers PLAIN, GSSAPI");
  });

  test("a broker without SASL is told from one that refuses", async () => {
    const error = await errorOf(setUp({ apis: [metadataApi] }).open());
    expect(error.message).toContain("b:9092 has no SASL");
  });

  test("a session is renewed before it ends; meanwhile requests wait, and none is lost", async () => {
    const { open, seen, runtime } = setUp({ sessionLifetimeMs: 10_000 });
    const connection = await open();
    await runtime.advance(8_400);
    expect(seen).toHaveLength(2);
    await runtime.advance(1_100);
    const asked = connection.request(metadataApi, { topics: [] });
    await turns();
    await asked;
    expect(seen.slice(2)).toEqual(["handshake PLAIN", "authenticate", "metadata"]);
    for (let renewals = 0; renewals < 3; renewals++) await runtime.advance(9_600);
    expect(seen.filter((what) => what === "authenticate").length).toBeGreaterThanOrEqual(4);
    expect(connection.isOpen).toBe(true);
  });

  test("a renewal waits for what is in flight, and holds back what comes after", async () => {
    const held: InboundRequest[] = [];
    const { open, seen, runtime, answerOther } = setUp({ sessionLifetimeMs: 10_000, onOther: (r) => held.push(r) });
    const connection = await open();
    const longPoll = connection.request(metadataApi, { topics: [] });
    await runtime.advance(9_600);
    const later = connection.request(metadataApi, { topics: [] });
    await turns();
    expect(seen.slice(2)).toEqual(["metadata"]);
    answerOther(held[0]!);
    await longPoll;
    await turns();
    expect(seen.slice(2)).toEqual(["metadata", "handshake PLAIN", "authenticate", "metadata"]);
    answerOther(held[1]!);
    await later;
  });

  test("a renewal that is refused ends the connection", async () => {
    let attempts = 0;
    const { open, runtime } = setUp({ sessionLifetimeMs: 10_000, accepts: () => ++attempts === 1 });
    const connection = await open();
    await runtime.advance(9_600);
    await turns();
    expect(connection.isOpen).toBe(false);
    expect(await connection.closed).toMatchObject({ code: "SASL_AUTHENTICATION_FAILED" });
  });

  test.each([
    [{ mechanism: "plain", username: "alice", password: SECRET }, "sasl.mechanism"],
    [{ mechanism: "PLAIN", username: "", password: SECRET }, "sasl.username"],
    [{ mechanism: "PLAIN", username: SECRET }, "sasl.password"],
    [{ mechanism: "OAUTHBEARER", token: SECRET }, "sasl.token"],
    [{ mechanism: SECRET, username: "a", password: "b" }, "sasl.mechanism"],
  ])("options that cannot work are named, never shown: %#", (options, name) => {
    const { runtime } = setUp();
    const make = () => createSaslAuthentication(options as unknown as SaslOptions, runtime);
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringContaining(name) }));
    expect(make).not.toThrow(SECRET);
  });
});

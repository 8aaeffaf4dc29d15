import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { securityOf } from "./client-properties.ts";

const SECRET = "s3cret/with:signs";
const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString("base64url");
const EXPIRES_S = 4_000_000_000;
const JWT = `${part({ alg: "none" })}.${part({ sub: "alice", exp: EXPIRES_S })}.`;

describe("a token endpoint", () => {
  let server: Server;
  let answer: { status: number; body: string };
  let asked: { headers: IncomingHttpHeaders; body: string }[];

  beforeEach(async () => {
    asked = [];
    answer = { status: 200, body: JSON.stringify({ access_token: JWT, expires_in: 60 }) };
    server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      asked.push({ headers: request.headers, body });
      response.writeHead(answer.status).end(answer.body);
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
  });
  afterEach(() => server.close());

  function saslOf(more: Record<string, string> = {}, path = "/token?key=hidden") {
    const { port } = server.address() as { port: number };
    const properties = {
      "security.protocol": "SASL_PLAINTEXT",
      "sasl.mechanism": "OAUTHBEARER",
      "sasl.oauthbearer.token.endpoint.url": `http://127.0.0.1:${port}${path}`,
      "sasl.jaas.config": `x required clientId="ottla" clientSecret="${SECRET}" scope="read write";`,
      ...more,
    };
    return securityOf(new Map(Object.entries(properties)), () => "").sasl;
  }

  async function tokenOf(sasl = saslOf()) {
    if (sasl?.mechanism !== "OAUTHBEARER") return expect.unreachable();
    return await sasl.token();
  }

  it("is asked with client credentials, and the token's own end counts", async () => {
    expect(await tokenOf()).toEqual({ value: JWT, expiresAtMs: EXPIRES_S * 1000 });
    const [{ headers, body }] = asked as [(typeof asked)[0]];
    expect(Buffer.from(headers.authorization!.slice("Basic ".length), "base64").toString()).toBe(`ottla:${SECRET}`);
    expect(headers["content-type"]).toContain("application/x-www-form-urlencoded");
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      grant_type: "client_credentials",
      scope: "read write",
    });
  });

  it("takes id, secret and scope from properties as well, percent-encoded where asked", async () => {
    const more = {
      "sasl.jaas.config": "x required;",
      "sasl.oauthbearer.client.credentials.client.id": "o t",
      "sasl.oauthbearer.client.credentials.client.secret": SECRET,
      "sasl.oauthbearer.scope": "all",
      "sasl.oauthbearer.header.urlencode": "true",
    };
    await tokenOf(saslOf(more));
    const [{ headers, body }] = asked as [(typeof asked)[0]];
    const sent = Buffer.from(headers.authorization!.slice("Basic ".length), "base64").toString();
    expect(sent).toBe(`o%20t:${encodeURIComponent(SECRET)}`);
    expect(new URLSearchParams(body).get("scope")).toBe("all");
  });

  it("may give a token that says nothing of its end", async () => {
    answer.body = JSON.stringify({ access_token: "opaque", expires_in: 60 });
    const before = Date.now();
    const token = await tokenOf();
    expect(token).toMatchObject({ value: "opaque" });
    expect(Reflect.get(token as object, "expiresAtMs")).toBeGreaterThanOrEqual(before + 60_000);
    answer.body = JSON.stringify({ access_token: "opaque" });
    expect(await tokenOf()).toEqual({ value: "opaque" });
  });

  it("that refuses the client is not asked again, and no secret shows", async () => {
    answer = { status: 401, body: JSON.stringify({ error: "invalid_client", error_description: "nobody" }) };
    const error = await tokenOf().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "SASL_AUTHENTICATION_FAILED", retriable: false });
    expect(String(error)).toMatch(/\/token gave no token, but status 401: invalid_client, nobody/);
    expect(String(error)).not.toMatch(/hidden|s3cret/);
  });

  it("that is in trouble, or talks of something else, is worth another try", async () => {
    answer = { status: 503, body: "<html>" };
    await expect(tokenOf()).rejects.toThrow("status 503");
    answer = { status: 200, body: "[]" };
    await expect(tokenOf()).rejects.toThrow("without access_token");
  });

  it("may be a file, which is read each time", async () => {
    const directory = mkdtempSync(join(tmpdir(), "ottla-token-"));
    const file = join(directory, "token");
    writeFileSync(file, `${JWT}\n`);
    const sasl = saslOf({ "sasl.oauthbearer.token.endpoint.url": pathToFileURL(file).href });
    expect(await tokenOf(sasl)).toEqual({ value: JWT, expiresAtMs: EXPIRES_S * 1000 });
    writeFileSync(file, "another");
    expect(await tokenOf(sasl)).toEqual({ value: "another" });
    rmSync(directory, { recursive: true });
  });

  it("has to be one, with id and secret", () => {
    expect(() => saslOf({ "sasl.oauthbearer.token.endpoint.url": "nowhere" })).toThrow(/token\.endpoint\.url must be/);
    expect(() => saslOf({ "sasl.oauthbearer.token.endpoint.url": "ftp://x/" })).toThrow(/token\.endpoint\.url must be/);
    expect(() => saslOf({ "sasl.jaas.config": 'x required clientId="a";' })).toThrow(/clientSecret/);
    expect(() => saslOf({ "sasl.login.callback.handler.class": "com.example.Mine" })).toThrow(/callback\.handler/);
  });
});

import type { SaslOptions, SslOptions } from "@ottla/client";
import { UsageError } from "./exit.ts";
import { type TokenEndpoint, tokensFrom } from "./token-endpoint.ts";

/** Settings under the names that Kafka's own clients and tools have for them. */
export type ClientProperties = ReadonlyMap<string, string>;

export interface ClientSecurity {
  readonly ssl?: SslOptions;
  readonly sasl?: SaslOptions;
}

const PROTOCOLS: readonly string[] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];
const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] as const;

/** What is understood of `ssl.*` and `sasl.*`: passing over another of them could leave a connection less secure. */
const KNOWN: ReadonlySet<string> = new Set([
  "sasl.jaas.config",
  "sasl.login.callback.handler.class",
  "sasl.login.read.timeout.ms",
  "sasl.mechanism",
  "sasl.oauthbearer.client.credentials.client.id",
  "sasl.oauthbearer.client.credentials.client.secret",
  "sasl.oauthbearer.header.urlencode",
  "sasl.oauthbearer.scope",
  "sasl.oauthbearer.token.endpoint.url",
  "ssl.cipher.suites",
  "ssl.enabled.protocols",
  "ssl.endpoint.identification.algorithm",
  "ssl.key.password",
  "ssl.keystore.certificate.chain",
  "ssl.keystore.key",
  "ssl.keystore.location",
  "ssl.keystore.type",
  "ssl.protocol",
  "ssl.truststore.certificates",
  "ssl.truststore.location",
  "ssl.truststore.type",
]);

/** Kafka's own handler, under the names that it has had: what it does is what `sasl.oauthbearer.*` asks for. */
const LOGIN_HANDLERS: ReadonlySet<string> = new Set([
  "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
  "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler",
]);

/** How long a token endpoint may take, unless `sasl.login.read.timeout.ms` says so. */
const TOKEN_TIMEOUT_MS = 10_000;

/**
 * TLS and SASL as a properties file for Kafka's tools says them. Messages name keys and never values.
 * @param readText reads a file that a property names
 * @throws UsageError
 */
export function securityOf(properties: ClientProperties, readText: (path: string) => string): ClientSecurity {
  const protocol = properties.get("security.protocol") ?? "PLAINTEXT";
  if (!PROTOCOLS.includes(protocol)) {
    throw new UsageError(`security.protocol must be one of ${PROTOCOLS.join(", ")}.`);
  }
  for (const key of properties.keys()) {
    if (/^(ssl|sasl)\./.test(key) && !KNOWN.has(key)) throw new UsageError(`${key} is not supported.`);
  }
  return {
    ...(protocol.endsWith("SSL") && { ssl: sslOf(properties, readText) }),
    ...(protocol.startsWith("SASL") && { sasl: saslOf(properties) }),
  };
}

function sslOf(properties: ClientProperties, readText: (path: string) => string): SslOptions {
  for (const store of ["ssl.truststore", "ssl.keystore"]) {
    const type = properties.get(`${store}.type`);
    const isNamed = properties.has(`${store}.location`) || type !== undefined;
    if (isNamed && type !== "PEM")
      throw new UsageError(`${store}.type must be PEM: Java's own formats cannot be read.`);
  }
  if (properties.get("ssl.endpoint.identification.algorithm") === "") {
    throw new UsageError("ssl.endpoint.identification.algorithm cannot be switched off: the name is always looked at.");
  }
  const stored = (store: string) => {
    const path = properties.get(`${store}.location`);
    return path === undefined ? undefined : readText(path);
  };
  const ca = properties.get("ssl.truststore.certificates") ?? stored("ssl.truststore");
  const keystore = stored("ssl.keystore");
  const cert = properties.get("ssl.keystore.certificate.chain") ?? keystore;
  const key = properties.get("ssl.keystore.key") ?? keystore;
  const passphrase = properties.get("ssl.key.password");
  const ciphers = properties.get("ssl.cipher.suites");
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(passphrase !== undefined && { passphrase }),
    ...(ciphers !== undefined && { ciphers: ciphers.split(",").join(":") }),
    ...tlsVersions(properties),
  };
}

function tlsVersions(properties: ClientProperties): Pick<SslOptions, "minVersion" | "maxVersion"> {
  const enabled = properties.get("ssl.enabled.protocols")?.split(",") ?? [];
  const names = enabled.map((name) => name.trim()).filter((name) => name === "TLSv1.2" || name === "TLSv1.3");
  if (names.length !== 1) return {};
  return { minVersion: names[0]!, maxVersion: names[0]! };
}

function saslOf(properties: ClientProperties): SaslOptions {
  const given = properties.get("sasl.mechanism") ?? "";
  const mechanism = MECHANISMS.find((name) => name === given);
  if (mechanism === undefined) throw new UsageError(`sasl.mechanism must be one of ${MECHANISMS.join(", ")}.`);
  const options = jaasOptions(properties.get("sasl.jaas.config") ?? "");
  const option = (name: string) => {
    const value = options.get(name);
    if (value === undefined) throw new UsageError(`sasl.jaas.config has no ${name}, which ${mechanism} needs.`);
    return value;
  };
  if (mechanism === "OAUTHBEARER") {
    const endpoint = tokenEndpointOf(properties, options);
    if (endpoint !== null) return { mechanism, token: tokensFrom(endpoint) };
    const token = option("token");
    return { mechanism, token: async () => token };
  }
  const isDelegationToken = options.get("tokenauth") === "true";
  return { mechanism, username: option("username"), password: option("password"), isDelegationToken };
}

/** Null where the token itself is given. */
function tokenEndpointOf(properties: ClientProperties, jaas: ReadonlyMap<string, string>): TokenEndpoint | null {
  const handler = properties.get("sasl.login.callback.handler.class");
  if (handler !== undefined && !LOGIN_HANDLERS.has(handler)) {
    throw new UsageError("sasl.login.callback.handler.class can be Kafka's OAuthBearerLoginCallbackHandler alone.");
  }
  const key = "sasl.oauthbearer.token.endpoint.url";
  const given = properties.get(key);
  if (given === undefined) return null;
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || !["http:", "https:", "file:"].includes(url.protocol)) {
    throw new UsageError(`${key} must be an http:, https: or file: URL.`);
  }
  const credential = (name: string, property: string): string => {
    const value = properties.get(`sasl.oauthbearer.client.credentials.${property}`) ?? jaas.get(name);
    if (value !== undefined) return value;
    if (url.protocol === "file:") return "";
    throw new UsageError(`${key} needs a ${name}, in sasl.jaas.config or as client.credentials.${property}.`);
  };
  return {
    url,
    clientId: credential("clientId", "client.id"),
    clientSecret: credential("clientSecret", "client.secret"),
    scope: properties.get("sasl.oauthbearer.scope") ?? jaas.get("scope"),
    encodesHeader: properties.get("sasl.oauthbearer.header.urlencode") === "true",
    timeoutMs: Number(properties.get("sasl.login.read.timeout.ms") ?? TOKEN_TIMEOUT_MS),
  };
}

/** The options of a line `module required name="value" name=value;`. */
function jaasOptions(text: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (const [, name, quoted, bare] of text.matchAll(/([\w.]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s;"]+))/g)) {
    options.set(name!, quoted === undefined ? bare! : quoted.replace(/\\(.)/g, "$1"));
  }
  return options;
}

import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { type ClientSecurity, securityOf } from "./client-properties.ts";
import { UsageError } from "./exit.ts";

/** Where the client commands connect unless told otherwise. */
const DEFAULT_BOOTSTRAP = "localhost:9092";

/** How a command reaches its cluster, as it was called. */
export interface ConnectionOptions {
  readonly bootstrap: string;
  readonly commandConfig?: string;
  readonly sslCa?: string;
  readonly sslCert?: string;
  readonly sslKey?: string;
  readonly saslMechanism?: string;
  readonly saslUsername?: string;
  readonly saslPasswordFile?: string;
}

/** What a client is made with. */
export interface Connection extends ClientSecurity {
  readonly bootstrapServers: string;
  readonly clientId: string;
}

/** Adds to a command what it needs to reach a cluster. Secrets are no arguments: everybody on a machine sees those. */
export function withConnection(command: Command): Command {
  return command
    .addOption(
      new Option("-b, --bootstrap <servers>", "host:port or ws:// URL, several with commas between them")
        .default(DEFAULT_BOOTSTRAP)
        .env("OTTLA_BOOTSTRAP"),
    )
    .option("--command-config <file>", "properties as for Kafka's tools: security.protocol, sasl.*, ssl.* in PEM")
    .option("--ssl-ca <file>", "TLS, trusting the authorities of this PEM file")
    .option("--ssl-cert <file>", "TLS with this client certificate (PEM)")
    .option("--ssl-key <file>", "the private key of --ssl-cert (PEM)")
    .option("--sasl-mechanism <name>", "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER")
    .option("--sasl-username <name>", "the user")
    .option("--sasl-password-file <file>", "the user's password, or the token of OAUTHBEARER; or OTTLA_SASL_PASSWORD");
}

/** @throws UsageError where the options say what cannot be */
export async function connectionOf(options: ConnectionOptions): Promise<Connection> {
  const properties = new Map<string, string>();
  for (const [key, value] of await fileProperties(options.commandConfig)) properties.set(key, value);
  for (const [key, value] of shortForms(options)) properties.set(key, value);
  await checkBootstrap(options.bootstrap);
  return {
    bootstrapServers: options.bootstrap,
    clientId: properties.get("client.id") ?? "ottla-cli",
    ...securityOf(properties, readText),
  };
}

/** The clients would say the same, but as an error of theirs: here it is an option that is wrong. */
async function checkBootstrap(bootstrap: string): Promise<void> {
  const { parseBootstrap } = await import("@ottla/transport");
  let areUrls: boolean[];
  try {
    areUrls = parseBootstrap(bootstrap).map(({ url }) => url !== undefined);
  } catch (error) {
    throw new UsageError(`--bootstrap: ${(error as Error).message}`);
  }
  if (new Set(areUrls).size > 1)
    throw new UsageError("--bootstrap: give either host:port or WebSocket URLs, not both.");
}

async function fileProperties(path: string | undefined): Promise<(readonly [string, string])[]> {
  if (path === undefined) return [];
  const { parseProperties } = await import("@ottla/broker-app");
  return parseProperties(readText(path), path).map(({ key, value }) => [key, value] as const);
}

/** The options for what is most often needed, as the properties that they stand for. */
function shortForms(options: ConnectionOptions): (readonly [string, string])[] {
  const { sslCa, sslCert, sslKey, saslMechanism, saslUsername, saslPasswordFile } = options;
  const hasTls = sslCa !== undefined || sslCert !== undefined;
  if ((sslCert === undefined) !== (sslKey === undefined)) {
    throw new UsageError("--ssl-cert and --ssl-key belong together.");
  }
  if (saslMechanism === undefined && (saslUsername !== undefined || saslPasswordFile !== undefined)) {
    throw new UsageError("--sasl-username and --sasl-password-file need --sasl-mechanism.");
  }
  const entries: (readonly [string, string])[] = [];
  if (sslCa !== undefined) entries.push(["ssl.truststore.certificates", readCertificate(sslCa)]);
  if (sslCert !== undefined) entries.push(["ssl.keystore.certificate.chain", readCertificate(sslCert)]);
  if (sslKey !== undefined) entries.push(["ssl.keystore.key", readText(sslKey)]);
  if (saslMechanism !== undefined) entries.push(["sasl.mechanism", saslMechanism], ["sasl.jaas.config", jaas(options)]);
  // With a file the protocol is the file's to say; its own word for it stays.
  if (options.commandConfig === undefined && (hasTls || saslMechanism !== undefined)) {
    const sasl = saslMechanism === undefined ? "" : "SASL_";
    entries.push(["security.protocol", `${sasl}${hasTls ? "SSL" : "PLAINTEXT"}`]);
  }
  return entries;
}

function jaas({ saslMechanism, saslUsername, saslPasswordFile }: ConnectionOptions): string {
  const fromFile = saslPasswordFile === undefined ? undefined : readText(saslPasswordFile).replace(/\r?\n$/, "");
  const secret = fromFile ?? process.env.OTTLA_SASL_PASSWORD;
  if (secret === undefined) {
    throw new UsageError("--sasl-mechanism needs --sasl-password-file or OTTLA_SASL_PASSWORD.");
  }
  const quoted = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;
  if (saslMechanism === "OAUTHBEARER") return `token=${quoted(secret)};`;
  if (saslUsername === undefined) throw new UsageError("--sasl-mechanism needs --sasl-username.");
  return `username=${quoted(saslUsername)} password=${quoted(secret)};`;
}

/** OpenSSL takes a file without certificates for one that trusts nobody, and only says so of the broker's. */
function readCertificate(path: string): string {
  const text = readText(path);
  if (text.includes("-----BEGIN ")) return text;
  throw new UsageError(`${path} holds no PEM: a certificate in PEM has a line -----BEGIN CERTIFICATE-----.`);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

import type { Admin, ClusterDescription } from "@ottla/admin";
import { type BrokerAddress, formatAddress, parseAddress, parseBootstrap } from "@ottla/transport";
import type { Connection } from "../connection.ts";
import { explain as explainError } from "../exit.ts";
import { describeWithFenced } from "../registered-brokers.ts";
import { checkClock } from "./check-clock.ts";
import { checkBrokers, checkConfigs, checkDisks, checkGroups, checkPartitions } from "./check-cluster.ts";
import { type BrokerVersions, versionFindings, versionsOf } from "./check-versions.ts";
import { type ClusterView, clusterSeenFrom } from "./cluster-view.ts";
import { bad, type Finding, good } from "./findings.ts";
import { type Reach, reach } from "./reach.ts";

const CALL_TIMEOUT_MS = 8_000;

/** Looks at a cluster as a client would, from the first connection on, and says what it finds as it goes. */
export async function* examine(connection: Connection): AsyncGenerator<Finding> {
  let isReachable = false;
  for (const address of parseBootstrap(connection.bootstrapServers)) {
    const finding = await bootstrapFinding(address, connection.ssl !== undefined);
    isReachable ||= finding.level === "good";
    yield finding;
  }
  if (!isReachable) return;
  let cluster: ClusterView;
  try {
    cluster = await clusterSeenFrom(connection, CALL_TIMEOUT_MS);
  } catch (error) {
    yield bad(`The cluster does not answer: ${messageOf(error)}`, adviceOn(error, connection));
    return;
  }
  const { clusterId, controllerId, brokers } = cluster;
  yield good(
    `Cluster ${clusterId ?? "(older than ids)"} has ${brokers.length} broker(s), its controller is ${controllerId}.`,
  );
  const advertised = await Promise.all(brokers.map(advertisedFinding));
  yield* advertised;
  if (advertised.some(({ level }) => level === "bad")) return;
  const { Admin } = await import("@ottla/admin");
  await using admin = new Admin({
    ...connection,
    defaultApiTimeoutMs: CALL_TIMEOUT_MS,
  });
  yield* clusterFindings(admin, cluster, () => versionsOf(connection, cluster));
}

/** @internal What there is to say of a cluster that can be reached. */
export async function* clusterFindings(
  admin: Admin,
  cluster: ClusterView,
  versions: () => Promise<BrokerVersions[]>,
): AsyncGenerator<Finding> {
  let asked: Promise<ClusterDescription> | undefined;
  const registered = async () => {
    asked ??= describeWithFenced(admin);
    return (await asked).brokers;
  };
  const checks: ((admin: Admin, cluster: ClusterView) => Promise<Finding[]>)[] = [
    checkClock,
    async () => versionFindings(await versions()),
    async () => checkBrokers(await registered()),
    async () => checkConfigs(admin, await registered()),
    checkDisks,
    checkPartitions,
    async () => await checkGroups(admin),
  ];
  for (const check of checks) {
    try {
      yield* await check(admin, cluster);
    } catch (error) {
      yield bad(`Looking further failed: ${messageOf(error)}`, "The broker's log may say why.");
    }
  }
}

async function bootstrapFinding({ host, port, url }: BrokerAddress, withTls: boolean): Promise<Finding> {
  const address = formatAddress({ host, port });
  const found = await reach(host, port);
  if (url !== undefined) return webSocketFinding(url, found, explain(address, host, found));
  if (withTls && found.kind === "tls") return good(`${address} speaks TLS; it is tried below.`);
  if (withTls && found.kind === "kafka") {
    return bad(`${address} speaks Kafka without TLS.`, "Use the port of a TLS listener, or leave TLS out.");
  }
  return found.kind === "kafka" ? good(`${address} speaks Kafka.`) : explain(address, host, found);
}

function webSocketFinding(url: string, found: Reach, elsewise: Finding): Finding {
  if (rightAnswers(url).includes(found.kind)) return good(`${url} is a WebSocket address; it is tried below.`);
  if (found.kind === "tls") {
    return bad(`${url} speaks TLS.`, `Use ${url.replace("ws:", "wss:")}, or the port of a listener without TLS.`);
  }
  if (found.kind === "kafka" || found.kind === "http") {
    return bad(
      `${url} does not speak TLS.`,
      `Use ${url.replace("wss:", "ws:")}, or the address of what speaks TLS for it.`,
    );
  }
  return elsewise;
}

function explain(address: string, host: string, found: Reach): Finding {
  switch (found.kind) {
    case "unknown-host":
      return bad(
        `There is no host called ${host}.`,
        "Check the name; in Docker, names of services are known inside its network only.",
      );
    case "refused":
      return bad(
        `Nothing listens at ${address}.`,
        "Is the broker running, and is this its port? A broker binds localhost unless `listeners` says otherwise.",
      );
    case "timeout":
      return bad(
        `${address} cannot be reached.`,
        "A firewall, or an address of another network, drops what is sent there.",
      );
    case "tls":
      return bad(
        `${address} speaks TLS.`,
        "Give clients TLS (security.protocol=SSL or SASL_SSL), or use the port of a PLAINTEXT listener.",
      );
    case "http":
      return bad(`${address} speaks HTTP, not Kafka.`, "This is another service's port.");
    case "silent":
      return bad(
        `${address} accepts connections, but does not answer as Kafka.`,
        "It is another service's port, or a listener that asks for SASL first and closed the connection.",
      );
    default:
      return bad(
        `${address} cannot be reached: ${found.kind === "error" ? found.message : found.kind}.`,
        "Check address and network.",
      );
  }
}

/** Clients go where Metadata sends them: what the brokers say of themselves must be reachable from here. */
async function advertisedFinding({ nodeId, host, port, url }: ClusterView["brokers"][number]): Promise<Finding> {
  const name = url ?? `${host}:${port}`;
  const where = url === null ? { host, port } : parseAddress(url);
  const found = await reach(where.host, where.port);
  const said = `Broker ${nodeId} tells ${url === null ? "clients" : "WebSocket clients"} to connect to ${name}`;
  if (!rightAnswers(url).includes(found.kind)) {
    return bad(
      `${said}, and that does not work from here (${reasonOf(found)}).`,
      "Clients reach the bootstrap address, and are then sent there. Set advertised.listeners to an address that clients can reach.",
    );
  }
  return good(url === null && found.kind === "tls" ? `${said}, which speaks TLS.` : `${said}, and it answers there.`);
}

/** What may be found at an address of the cluster. Behind a proxy a WebSocket server has HTTP only. */
function rightAnswers(url: string | null): Reach["kind"][] {
  if (url === null) return ["kafka", "tls"];
  return url.startsWith("wss:") ? ["tls"] : ["kafka", "http"];
}

function reasonOf(found: Reach): string {
  if (found.kind === "error") return found.message;
  const reasons: Partial<Record<Reach["kind"], string>> = {
    "unknown-host": "no such host",
    refused: "nothing listens",
    timeout: "no answer",
    http: "it speaks HTTP",
    silent: "it is no Kafka",
    tls: "it speaks TLS",
    kafka: "it does not speak TLS",
  };
  return reasons[found.kind] ?? found.kind;
}

/** What client and listener do not agree on. */
function adviceOn(error: unknown, { sasl }: Connection): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "SASL_AUTHENTICATION_FAILED") return "Check user name, password or token, and the mechanism.";
  if (code.includes("SASL")) {
    return "Client and listener must agree: SASL_PLAINTEXT and SASL_SSL listeners ask who it is, others take no answer.";
  }
  if (code === "SSL_HANDSHAKE_FAILED") {
    return "Give the client the certificate of who signed the broker's (--ssl-ca), and the name that is in it.";
  }
  return sasl === undefined
    ? "If the listener asks for SASL, give the client its credentials; the broker's log says why it refused."
    : "The broker's log says why it refused.";
}

function messageOf(error: unknown): string {
  return explainError(error).join(" ");
}

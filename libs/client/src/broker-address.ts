import { type BrokerAddress, formatHostPort } from "@ottla/transport";

/** A broker entry of Metadata, FindCoordinator or DescribeCluster, as far as addresses go. */
export interface AdvertisedBroker {
  readonly host: string;
  readonly port: number;
  /** The WebSocket URL that our brokers add as a tagged field (docs/protocol-extensions.md); absent from others. */
  readonly url: string | null;
}

/**
 * Where to connect to for a broker that the cluster told of.
 *
 * A client stays with the transport that it came in by: over TCP the host and port count; over WebSocket the URL that
 * the broker gives, or else scheme, path and query of the bootstrap URL with the broker's host and port put in.
 */
export function addressOfBroker(broker: AdvertisedBroker, bootstrap: BrokerAddress): BrokerAddress {
  const { host, port } = broker;
  if (bootstrap.url === undefined) return { host, port };
  if (broker.url !== null && URL.canParse(broker.url)) return addressOfUrl(broker.url, bootstrap.url);
  const url = new URL(bootstrap.url);
  url.host = formatHostPort(host, port);
  return { host, port, url: url.href };
}

/**
 * A client that came in over TLS never goes on without: a broker behind a proxy that ends TLS may know of none, and what
 * it calls ws:// is then reached as the client reached it.
 */
function addressOfUrl(text: string, bootstrapUrl: string): BrokerAddress {
  const isSecure = /^wss:/i.test(bootstrapUrl);
  const url = new URL(isSecure ? text.replace(/^ws:/i, "wss:") : text);
  const defaultPort = url.protocol === "wss:" ? 443 : 80;
  return { host: url.hostname, port: url.port === "" ? defaultPort : Number(url.port), url: url.href };
}

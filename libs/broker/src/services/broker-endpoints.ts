import type { BrokerImage } from "@ottla/metadata";
import type { AdvertisedAddress, ServerConnection } from "@ottla/transport";
import type { BrokerServices } from "./broker-services.ts";

/**
 * Where a client is told to find a broker: under what it has registered for the client's listener. A broker that is
 * alone names the address that the client's own connection came by; among several that would make its address change
 * with whom a client asks, and clients close the connections of a broker whose address has changed.
 */
export function endpointFor(
  { nodeId, image }: Pick<BrokerServices, "nodeId" | "image">,
  broker: BrokerImage,
  connection: ServerConnection,
): AdvertisedAddress {
  if (broker.brokerId === nodeId && image.brokers.size <= 1) return connection.advertised;
  const endpoint = broker.endpoints.find(({ name }) => name === connection.listenerName) ?? broker.endpoints[0];
  if (endpoint === undefined) return { host: "", port: -1 };
  const { host, port, url } = endpoint;
  return url === null ? { host, port } : { host, port, url };
}

/** A broker's address as the fields of Metadata, FindCoordinator and DescribeCluster. */
export function endpointFields(
  services: Pick<BrokerServices, "nodeId" | "image">,
  broker: BrokerImage,
  connection: ServerConnection,
): { readonly host: string; readonly port: number; readonly url: string | null } {
  const { host, port, url } = endpointFor(services, broker, connection);
  return { host, port, url: url ?? null };
}

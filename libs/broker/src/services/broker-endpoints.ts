import type { BrokerImage } from "@ottla/metadata";
import type { AdvertisedAddress, ServerConnection } from "@ottla/transport";
import type { BrokerServices } from "./broker-services.ts";

/**
 * Where a client is told to find a broker: this broker under the address that the client's own connection came by, any
 * other under what it has registered for the same listener.
 */
export function endpointFor(
  { nodeId }: Pick<BrokerServices, "nodeId">,
  broker: BrokerImage,
  connection: ServerConnection,
): AdvertisedAddress {
  if (broker.brokerId === nodeId) return connection.advertised;
  const endpoint = broker.endpoints.find(({ name }) => name === connection.listenerName) ?? broker.endpoints[0];
  if (endpoint === undefined) return { host: "", port: -1 };
  const { host, port, url } = endpoint;
  return url === null ? { host, port } : { host, port, url };
}

/** A broker's address as the fields of Metadata, FindCoordinator and DescribeCluster. */
export function endpointFields(
  services: Pick<BrokerServices, "nodeId">,
  broker: BrokerImage,
  connection: ServerConnection,
): { readonly host: string; readonly port: number; readonly url: string | null } {
  const { host, port, url } = endpointFor(services, broker, connection);
  return { host, port, url: url ?? null };
}

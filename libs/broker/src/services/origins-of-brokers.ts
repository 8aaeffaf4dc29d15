import type { BrokerEndpoint, MetadataImage } from "@ottla/metadata";

/**
 * The origins of the pages that the cluster's brokers serve themselves, at the addresses they are registered with: the
 * console that one broker serves reaches them all.
 */
export function originsOfBrokers(image: MetadataImage): string[] {
  const origins = new Set<string>();
  for (const [, broker] of image.brokers) {
    for (const endpoint of broker.endpoints) for (const origin of originsOf(endpoint)) origins.add(origin);
  }
  return [...origins];
}

/** A URL says whether TLS is in front of it; host and port alone do not. */
function originsOf({ host, port, url }: BrokerEndpoint): string[] {
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const urls = url === null ? [`http://${authority}`, `https://${authority}`] : [url.replace(/^ws/, "http")];
  return urls.flatMap((each) => (URL.canParse(each) ? new URL(each).origin : []));
}

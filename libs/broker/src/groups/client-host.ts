import type { ServerConnection } from "@ottla/transport";

/** A client's address, without the port, as Kafka's tools show it and as it is written into group metadata. */
export function clientHostOf({ remoteAddress }: Pick<ServerConnection, "remoteAddress">): string {
  const [, ipv6, other] = /^(?:\[(.+)\]|([^:]*)):\d+$/.exec(remoteAddress) ?? [];
  return `/${ipv6 ?? other ?? remoteAddress}`;
}

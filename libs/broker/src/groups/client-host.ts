import type { ServerConnection } from "@ottla/transport";

/** A client's address as Kafka's tools show it, and as Kafka writes it into group metadata. */
export function clientHostOf({ remoteAddress }: ServerConnection): string {
  return `/${remoteAddress}`;
}

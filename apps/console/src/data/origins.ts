import type { BrokerDescription } from "@ottla/admin";

/** Where the brokers that take part serve HTTP, but for the page's own: on the port at which they serve WebSocket. */
export function otherOriginsOf(
  brokers: readonly Pick<BrokerDescription, "address" | "isFenced">[],
  own: string,
): string[] {
  const origins = brokers.flatMap(({ address: { url }, isFenced }) =>
    isFenced || url === undefined ? [] : [new URL(url.replace(/^ws/i, "http")).origin],
  );
  return origins.filter((origin) => origin !== own);
}

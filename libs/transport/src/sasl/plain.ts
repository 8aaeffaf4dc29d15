import type { SaslExchange } from "./exchange.ts";

/** RFC 4616: user and password as they are. */
export function plainExchange(username: string, password: string): SaslExchange {
  return {
    first: () => new TextEncoder().encode(`\0${username}\0${password}`),
    next: () => null,
  };
}

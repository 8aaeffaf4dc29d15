import { Admin } from "@ottla/admin";
import { brokerUrl } from "./broker-url.ts";

const CLIENT_ID = "ottla-console";

/** The longest that a view waits for an answer before it says so. */
const CALL_TIMEOUT_MS = 8_000;

/** The page's own broker, over the way that the page came. */
export const bootstrapServers = brokerUrl(location.href);

export const clientOptions = { bootstrapServers, clientId: CLIENT_ID, reconnectBackoffMaxMs: 2_000 } as const;

export const admin = new Admin({ ...clientOptions, defaultApiTimeoutMs: CALL_TIMEOUT_MS });

/** What else is to be closed when the page goes. */
const closers: (() => unknown)[] = [];

export function onPageEnd(close: () => unknown): void {
  closers.push(close);
}

export function closeClients(): void {
  void admin.close();
  for (const close of closers) void close();
}

/**
 * Asks a broker over HTTP for what Kafka's protocol has no API for.
 * @param origin of another broker's HTTP; default: the broker that serves the page
 */
export async function askBroker<T>(what: string, signal: AbortSignal, origin = ""): Promise<T> {
  // The page's own may lie below a path that a proxy has put it at.
  const response = await fetch(`${origin === "" ? "" : `${origin}/`}console/${what}`, { signal });
  if (!response.ok) throw new Error(`The broker answered ${response.status} to /console/${what}.`);
  return (await response.json()) as T;
}

import type { BrokerAddress } from "./byte-channel.ts";
import { configError } from "./transport-error.ts";

/** The path of the WebSocket endpoint, for a URL that names none. */
export const DEFAULT_WEBSOCKET_PATH = "/kafka";

const PORT_MAX = 65535;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { "ws:": 80, "wss:": 443 };

/**
 * Reads `bootstrap.servers`: `host:port`, `[ipv6]:port` for TCP, `ws://` and `wss://` URLs for WebSocket, any number
 * of them, as an array or separated by commas. A URL without a path means `/kafka`.
 * @throws KafkaError INVALID_CONFIG that names the entry and says what is wrong with it.
 */
export function parseBootstrap(servers: string | readonly string[]): BrokerAddress[] {
  const given: readonly unknown[] = Array.isArray(servers) ? servers : [servers];
  const entries = given
    .map((entry) => {
      if (typeof entry === "string") return entry;
      throw configError(`bootstrapServers is ${String(entry)}: give "host:port" or "ws://host:port", or a list.`);
    })
    .flatMap((entry) => entry.split(","))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  if (entries.length === 0) {
    throw configError('bootstrapServers is empty: give "host:port" or "ws://host:port", or a list.');
  }
  return entries.map(parseAddress);
}

/** Reads one entry of `bootstrap.servers`. */
export function parseAddress(entry: string): BrokerAddress {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(entry)?.[1]?.toLowerCase();
  if (scheme === undefined) return parseHostAndPort(entry);
  if (scheme === "ws" || scheme === "wss") return parseWebSocketUrl(entry);
  throw configError(`"${withoutSecrets(entry)}" in bootstrapServers: ${schemeAdvice(scheme, entry)}`);
}

function schemeAdvice(scheme: string, entry: string): string {
  const rest = withoutSecrets(entry).slice(entry.indexOf("://") + 3);
  if (scheme === "http") return `use "ws://${rest}".`;
  if (scheme === "https") return `use "wss://${rest}".`;
  return `"${scheme}://" is not known; use "host:port" for TCP, or a ws:// or wss:// URL.`;
}

function parseWebSocketUrl(entry: string): BrokerAddress {
  const url = URL.canParse(entry) ? new URL(entry) : null;
  if (url === null || url.hostname === "")
    throw configError(`"${withoutSecrets(entry)}" in bootstrapServers is not a valid URL.`);
  if (url.hash !== "")
    throw configError(`"${withoutSecrets(entry)}" in bootstrapServers: a WebSocket URL has no "#" part.`);
  if (!/^wss?:\/\/[^/?#]+\//i.test(entry)) url.pathname = DEFAULT_WEBSOCKET_PATH;
  return {
    host: withoutBrackets(url.hostname),
    port: url.port === "" ? DEFAULT_PORTS[url.protocol]! : Number(url.port),
    url: url.href,
  };
}

function parseHostAndPort(entry: string): BrokerAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]/\s]+)):(\d+)$/.exec(entry);
  if (match === null) throw configError(`"${withoutSecrets(entry)}" in bootstrapServers: ${hostAdvice(entry)}`);
  const port = Number(match[3]);
  if (port < 1 || port > PORT_MAX) {
    throw configError(`"${withoutSecrets(entry)}" in bootstrapServers: a port lies between 1 and ${PORT_MAX}.`);
  }
  return { host: match[1] ?? match[2]!, port };
}

function hostAdvice(entry: string): string {
  if (/^[^:[\]/\s]+$/.test(entry)) return `the port is missing; write "${entry}:9092".`;
  if (/^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:]*$/i.test(entry)) return 'write an IPv6 address in brackets: "[::1]:9092".';
  return 'expected "host:port", "[ipv6]:port", or a ws:// or wss:// URL.';
}

function withoutBrackets(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

/** `host:port` with brackets around an IPv6 host. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * An address for messages and logs: the URL, or `host:port`. What a URL may hold of secrets (user, password, query) is
 * left out, so two addresses may look the same: {@link addressKey} tells them apart.
 */
export function formatAddress(address: BrokerAddress): string {
  return address.url === undefined ? formatHostPort(address.host, address.port) : withoutSecrets(address.url);
}

/** What is the same for the same address only. Not for messages: a URL is in it as it was given. */
export function addressKey(address: BrokerAddress): string {
  return address.url ?? formatHostPort(address.host, address.port);
}

/** A URL as messages may show it. */
function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^/?#]*@/, "//***@").replace(/\?.*$/s, "?***");
}

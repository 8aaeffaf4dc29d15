import type { BrokerConfig } from "./broker-config.ts";
import { splitList } from "./config-definition.ts";
import { ConfigError } from "./config-error.ts";

/** What clients of a listener are told to connect to. */
export type AdvertisedListener =
  | { readonly host: string; readonly port: number }
  /** What WebSocket clients are told; others are told host and port, or the address that they reached. */
  | { readonly url: string }
  | { readonly host: string; readonly port: number; readonly url: string };

/** One of `listeners`, with its part of `advertised.listeners`. */
export interface ListenerConfig {
  readonly name: string;
  /** The address to bind; undefined for loopback (127.0.0.1 and ::1). */
  readonly host: string | undefined;
  /** 0 for a free one. */
  readonly port: number;
  readonly advertised: AdvertisedListener | undefined;
}

interface HostPort {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

const WILDCARD_HOSTS: ReadonlySet<string> = new Set(["", "0.0.0.0", "::"]);
const PORT_MAX = 65_535;

/**
 * The listeners to open, from `listeners`, `advertised.listeners`, `listener.security.protocol.map` and
 * `controller.listener.names`; `inter.broker.listener.name` is one of them.
 * @throws ConfigError naming each entry that is wrong
 */
export function listenersOf(config: BrokerConfig): ListenerConfig[] {
  const problems: string[] = [];
  const report = (key: string, entry: string, problem: string) => problems.push(`${key}=${entry}: ${problem}`);
  const controllers = new Set(config.require("controller.listener.names").map(normalize));
  const bound = parseListeners(config.require("listeners"), report).filter(({ name }) => !controllers.has(name));
  const advertised = parseAdvertised(config.get("advertised.listeners") ?? "", report);
  checkProtocols(config, bound, report);
  checkNames(bound, advertised, controllers, report);
  checkInterBrokerListener(config, bound, report);
  if (problems.length === 0 && bound.length === 0)
    report("listeners", config.require("listeners"), "there is no listener for clients");
  if (problems.length > 0) throw new ConfigError(problems);
  return bound.map((listener) => ({
    name: listener.name,
    host: bindHost(listener.host),
    port: listener.port,
    advertised: advertisedOf(listener.name, bound, advertised),
  }));
}

type Report = (key: string, entry: string, problem: string) => void;

/** Listeners that bind every interface and do not say what clients shall be told: Docker's and most people's first trap. */
export function unadvertisedWildcards(listeners: readonly ListenerConfig[]): readonly ListenerConfig[] {
  return listeners.filter(
    ({ host, advertised }) => host !== undefined && WILDCARD_HOSTS.has(host) && advertised === undefined,
  );
}

/** The listener that brokers use among themselves, as listeners are named; null where each uses the first of the other. */
export function interBrokerListenerOf(config: BrokerConfig): string | null {
  const name = config.get("inter.broker.listener.name");
  return name === null ? null : normalize(name);
}

/** Kafka's listener names do not tell cases apart. */
function normalize(name: string): string {
  return name.trim().toUpperCase();
}

const ENTRY = /^([\w.-]+):\/\/(?:\[([0-9a-fA-F:.%]+)\]|([^:/[\]]*)):(-?\d+)$/;

function parseListeners(text: string, report: Report): HostPort[] {
  return splitList(text).flatMap((entry) => parseEntry("listeners", entry, report) ?? []);
}

function parseEntry(key: string, entry: string, report: Report): HostPort | null {
  const match = ENTRY.exec(entry);
  if (match === null) {
    report(key, entry, "an entry has the form NAME://host:port");
    return null;
  }
  const port = Number(match[4]);
  if (port < 0 || port > PORT_MAX) {
    report(key, entry, `the port must be from 0 to ${PORT_MAX}`);
    return null;
  }
  return { name: normalize(match[1]!), host: match[2] ?? match[3]!, port };
}

/** A URL without a name is that of the WebSocket listener. */
type AdvertisedEntry =
  | (HostPort & { readonly url?: undefined })
  | { readonly name: string | null; readonly url: string };

const URL_ENTRY = /^(?:([\w.-]+)=)?(wss?:\/\/.*)$/i;

/** A URL may say whose it is: `NAME=wss://…`. */
function parseAdvertised(text: string, report: Report): AdvertisedEntry[] {
  return splitList(text).flatMap((entry): AdvertisedEntry[] => {
    const match = URL_ENTRY.exec(entry);
    if (match === null) {
      const address = parseEntry("advertised.listeners", entry, report);
      if (address !== null && WILDCARD_HOSTS.has(address.host)) {
        report(
          "advertised.listeners",
          entry,
          "clients cannot connect to every interface; name a host that they can reach",
        );
      }
      return address === null ? [] : [address];
    }
    const url = match[2]!;
    if (!URL.canParse(url) || url.includes("#")) {
      report("advertised.listeners", entry, "this is no valid URL of a WebSocket");
      return [];
    }
    return [{ name: match[1] === undefined ? null : normalize(match[1]), url }];
  });
}

function advertisedOf(
  name: string,
  bound: readonly HostPort[],
  advertised: readonly AdvertisedEntry[],
): AdvertisedListener | undefined {
  const address = advertised.find((entry) => entry.url === undefined && entry.name === name) as HostPort | undefined;
  const url = advertised.find((entry) => entry.url !== undefined && isUrlOf(entry.name, name, bound))?.url;
  if (address === undefined) return url === undefined ? undefined : { url };
  const { host, port } = address;
  return url === undefined ? { host, port } : { host, port, url };
}

/** A URL without a name belongs to the listeners called WS or WSS; where there are none, to all: each speaks WebSocket. */
function isUrlOf(owner: string | null, name: string, bound: readonly HostPort[]): boolean {
  if (owner !== null) return owner === name;
  const isWebSocketName = (candidate: string) => candidate === "WS" || candidate === "WSS";
  return isWebSocketName(name) || !bound.some((listener) => isWebSocketName(listener.name));
}

/** `localhost` is loopback, on IPv4 and IPv6 alike; nothing is every interface. */
function bindHost(host: string): string | undefined {
  if (host === "localhost") return undefined;
  return host === "" ? "::" : host;
}

const PROTOCOLS_SERVED: ReadonlySet<string> = new Set(["PLAINTEXT", "WS"]);

function checkProtocols(config: BrokerConfig, bound: readonly HostPort[], report: Report): void {
  const protocols = new Map<string, string>([["WS", "WS"]]);
  for (const entry of splitList(config.require("listener.security.protocol.map"))) {
    const [name, protocol, ...rest] = entry.split(":");
    if (name === undefined || protocol === undefined || rest.length > 0) {
      report("listener.security.protocol.map", entry, "an entry has the form NAME:PROTOCOL");
    } else protocols.set(normalize(name), normalize(protocol));
  }
  for (const { name } of bound) {
    const protocol = protocols.get(name);
    if (protocol === undefined) {
      report("listeners", name, `say its protocol in listener.security.protocol.map, such as ${name}:PLAINTEXT`);
    } else if (!PROTOCOLS_SERVED.has(protocol)) {
      report("listeners", name, `its security protocol ${protocol} is not supported yet; PLAINTEXT is`);
    }
  }
}

function checkNames(
  bound: readonly HostPort[],
  advertised: readonly AdvertisedEntry[],
  controllers: ReadonlySet<string>,
  report: Report,
): void {
  const names = bound.map(({ name }) => name);
  for (const [index, { name }] of bound.entries()) {
    if (names.indexOf(name) !== index) report("listeners", name, "each listener needs a name of its own");
  }
  for (const { name } of advertised) {
    if (name === null || names.includes(name) || controllers.has(name)) continue;
    report("advertised.listeners", name, noSuchListener(bound));
  }
}

function checkInterBrokerListener(config: BrokerConfig, bound: readonly HostPort[], report: Report): void {
  const listener = interBrokerListenerOf(config);
  if (listener === null || bound.some(({ name }) => name === listener)) return;
  report("inter.broker.listener.name", listener, noSuchListener(bound));
}

function noSuchListener(bound: readonly HostPort[]): string {
  return `there is no listener of that name (there is ${bound.map(({ name }) => name).join(", ")})`;
}

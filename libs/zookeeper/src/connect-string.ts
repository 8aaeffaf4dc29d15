import type { BrokerAddress } from "@ottla/transport";

/** What `zookeeper.connect` says. */
export interface ZooKeeperConnect {
  readonly servers: readonly BrokerAddress[];
  /** The chroot, "" or "/path": everything lies below it. */
  readonly root: string;
}

const DEFAULT_PORT = 2181;
const SERVER = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/;
const ROOT = /^(\/[^/]+)*$/;

/** Reads `host:port,host:port/chroot`; null where it is not of that form. */
export function parseZooKeeperConnect(text: string): ZooKeeperConnect | null {
  const slash = text.indexOf("/");
  const [hosts, path] = slash < 0 ? [text, ""] : [text.slice(0, slash), text.slice(slash)];
  const root = path === "/" ? "" : path;
  const servers = hosts.split(",").flatMap((server) => parseServer(server.trim()) ?? []);
  return ROOT.test(root) && servers.length === hosts.split(",").length ? { servers, root } : null;
}

function parseServer(text: string): BrokerAddress | null {
  const [, host, port = String(DEFAULT_PORT)] = SERVER.exec(text) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return null;
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

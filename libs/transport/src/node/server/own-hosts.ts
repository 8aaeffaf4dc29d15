import { isIP } from "node:net";
import { hostname as machineName } from "node:os";
import type { ListenerOptions } from "./options.ts";

const LOOPBACK = /^(127\.|::1$)/;

/**
 * Names that this listener is reached by, for the check of Host headers.
 *
 * A listener on loopback knows loopback names only. Elsewhere any address is fine, because a name is what an attacker
 * can point at us, and so are names without a dot, which no public DNS server answers for.
 */
export function ownHosts(listener: ListenerOptions): (hostname: string) => boolean {
  const named = new Set(["localhost", ...configuredHosts(listener)]);
  if (isLoopbackListener(listener)) return (hostname) => named.has(hostname) || LOOPBACK.test(hostname);
  named.add(machineName().toLowerCase());
  return (hostname) => named.has(hostname) || isIP(hostname) !== 0 || !hostname.includes(".");
}

function configuredHosts({ host, advertised }: ListenerOptions): string[] {
  const hosts = host === undefined ? [] : [host];
  if (advertised !== undefined && "host" in advertised) hosts.push(advertised.host);
  if (advertised !== undefined && "url" in advertised) hosts.push(new URL(advertised.url).hostname);
  return hosts.map((name) => name.toLowerCase().replace(/^\[|\]$/g, ""));
}

function isLoopbackListener({ host }: ListenerOptions): boolean {
  return host === undefined || host === "localhost" || LOOPBACK.test(host);
}

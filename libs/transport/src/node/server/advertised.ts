import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { parseAddress } from "../../address.ts";
import type { AdvertisedAddress } from "../../server/contract.ts";
import type { ListenerOptions } from "./options.ts";

/** What a TCP client is told to connect to: the advertised address, else the local address that it reached. */
export function advertisedToTcp(listener: ListenerOptions, socket: Socket): AdvertisedAddress {
  const { advertised } = listener;
  if (advertised !== undefined && "host" in advertised) return { host: advertised.host, port: advertised.port };
  return { host: plainAddress(socket.localAddress), port: socket.localPort ?? listener.port };
}

/** A Host header that holds nothing which a URL would take for another part of itself. */
const PLAIN_HOST = /^[^\s/?#@\\]+$/;

/**
 * What a WebSocket client is told: the advertised URL, or one made of the advertised host, or of the Host header that
 * it came with; the path is the one that it came by.
 */
export function advertisedToWebSocket(
  listener: ListenerOptions,
  socket: Socket,
  request: IncomingMessage,
): AdvertisedAddress {
  const { advertised } = listener;
  if (advertised !== undefined && "url" in advertised) return parseAddress(advertised.url);
  const path = (request.url ?? "/").split("?", 1)[0]!;
  const scheme = usesTls(listener, request) ? "wss" : "ws";
  if (advertised !== undefined)
    return parseAddress(`${scheme}://${urlHost(advertised.host)}:${advertised.port}${path}`);
  const { host } = request.headers;
  if (host !== undefined && PLAIN_HOST.test(host) && URL.canParse(`${scheme}://${host}${path}`))
    return parseAddress(`${scheme}://${host}${path}`);
  const local = advertisedToTcp(listener, socket);
  return parseAddress(`${scheme}://${urlHost(local.host)}:${local.port}${path}`);
}

/** A page that was loaded over https came through a proxy that holds the certificate. */
function usesTls(listener: ListenerOptions, request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  return listener.tls !== undefined || origin === `https://${host}`;
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** Without the prefix that an IPv4 address has on an IPv6 socket. */
export function plainAddress(address: string | undefined): string {
  return (address ?? "127.0.0.1").replace(/^::ffff:(?=\d+\.)/, "");
}

import type { AddressInfo, Server } from "node:net";
import { KafkaError } from "@ottla/protocol";
import { formatHostPort } from "../../address.ts";
import { systemCode } from "../socket-errors.ts";

const LOOPBACK_V4 = "127.0.0.1";
const LOOPBACK_V6 = "::1";
/** How often a free port is looked for that is free on both loopback addresses. */
const FREE_PORT_ATTEMPTS = 20;

export interface BoundAddress {
  readonly host: string;
  readonly port: number;
}

interface Bound {
  readonly server: Server;
  readonly address: BoundAddress;
}

interface BindTarget {
  readonly name: string;
  readonly host: string | undefined;
  readonly port: number;
}

/** A listener could not be opened. `code` is the system's: EADDRINUSE, EACCES, EADDRNOTAVAIL … */
export class ListenError extends KafkaError {
  override readonly name = "ListenError";
}

/** Binds one server to the host, or two to both loopback addresses on the same port where no host is given. */
export async function bindAll(target: BindTarget, createServer: () => Server): Promise<Bound[]> {
  if (target.host !== undefined && target.host !== "localhost")
    return [await bind(target, target.host, createServer())];
  if (target.port !== 0) return bindLoopback(target, target.port, createServer);
  for (let attempt = 1; ; attempt++) {
    try {
      return await bindLoopback(target, 0, createServer);
    } catch (error) {
      if (attempt === FREE_PORT_ATTEMPTS || !(error instanceof ListenError) || error.code !== "EADDRINUSE") throw error;
    }
  }
}

async function bindLoopback(target: BindTarget, port: number, createServer: () => Server): Promise<Bound[]> {
  const first = await bind({ ...target, port }, LOOPBACK_V4, createServer());
  try {
    return [first, await bind({ ...target, port: first.address.port }, LOOPBACK_V6, createServer())];
  } catch (error) {
    if (error instanceof ListenError && NO_IPV6.includes(error.code)) return [first];
    first.server.close();
    throw error;
  }
}

/** What systems without IPv6 answer. */
const NO_IPV6: readonly string[] = ["EADDRNOTAVAIL", "EAFNOSUPPORT", "EINVAL"];

function bind({ name, port }: BindTarget, host: string, server: Server): Promise<Bound> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => reject(listenError(name, host, port, error));
    server.once("error", onError);
    server.listen({ host, port }, () => {
      server.off("error", onError);
      resolve({ server, address: { host, port: (server.address() as AddressInfo).port } });
    });
  });
}

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use; stop what uses it, or choose another port",
  EACCES: "this user may not bind this port; choose one above 1023",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "the host name is not known",
};

function listenError(name: string, host: string, port: number, cause: Error): ListenError {
  const code = systemCode(cause) ?? "LISTEN_FAILED";
  const where = `Listener ${name} cannot be opened on ${formatHostPort(host, port)}`;
  return new ListenError(`${where}: ${ADVICE[code] ?? cause.message}.`, { code, cause });
}

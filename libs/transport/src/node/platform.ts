import { type ConnectionOptions, createSecureContext } from "node:tls";
import type { Runtime } from "@ottla/runtime";
import type { Connector } from "../byte-channel.ts";
import { type PemOrDer, resolveSsl, type SslOptions } from "../ssl-options.ts";
import { configError, describeCause } from "../transport-error.ts";
import { createTcpConnector, type TcpConnectorOptions } from "./tcp-connector.ts";
import { createNodeWebSocketConnector, type NodeWebSocketConnectorOptions } from "./websocket-connector.ts";

/** Options for both kinds of addresses; `tls` serves TCP with TLS and `wss://` alike. */
export interface NodeConnectorOptions extends NodeWebSocketConnectorOptions, TcpConnectorOptions {}

/** Connects over WebSocket where the address has a URL, over TCP otherwise. */
export function createNodeConnector(
  runtime: Pick<Runtime, "timers" | "random">,
  options: NodeConnectorOptions = {},
): Connector {
  const tcp = createTcpConnector(runtime, options);
  const webSocket = createNodeWebSocketConnector(runtime, options);
  return {
    connect: (address, connectOptions) =>
      (address.url === undefined ? tcp : webSocket).connect(address, connectOptions),
  };
}

/** What `#platform` means under Node.js. */
export function createPlatformConnector(runtime: Runtime, ssl?: boolean | SslOptions): Connector {
  const options = resolveSsl(ssl);
  return createNodeConnector(runtime, options === undefined ? {} : { tls: nodeTlsOptions(options) });
}

/** Node.js wants buffers and arrays that may be written to. @throws KafkaError INVALID_CONFIG if OpenSSL takes none */
function nodeTlsOptions({ ca, cert, key, pfx, ...others }: SslOptions): ConnectionOptions {
  try {
    const secureContext = createSecureContext({
      ...others,
      ...(ca !== undefined && { ca: toNode(ca) }),
      ...(cert !== undefined && { cert: toNode(cert) }),
      ...(key !== undefined && { key: toNode(key) }),
      ...(pfx !== undefined && { pfx: toNode(pfx) }),
    });
    return { ...others, secureContext };
  } catch (error) {
    throw configError(`ssl: OpenSSL does not take the certificates or the key (${describeCause(error)}).`);
  }
}

function toNode(given: PemOrDer | readonly PemOrDer[]): (string | Buffer)[] {
  const all = typeof given === "string" || given instanceof Uint8Array ? [given] : given;
  return all.map((one) => (typeof one === "string" ? one : Buffer.from(one)));
}

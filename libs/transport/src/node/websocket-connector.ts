import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { Random, Runtime } from "@ottla/runtime";
import WebSocket from "ws";
import { formatAddress } from "../address.ts";
import type { BrokerAddress, ByteChannel, ConnectOptions, Connector } from "../byte-channel.ts";
import { DEFAULT_SUBPROTOCOLS } from "../subprotocol.ts";
import { abortError, configError, networkError, timeoutError } from "../transport-error.ts";
import { socketError } from "./socket-errors.ts";
import { type EncodeMessage, NodeWebSocketChannel } from "./websocket-channel.ts";
import { MaskKeys, maskedMessage, zeroMaskedMessage } from "./websocket-frames.ts";

/** A response is at most `fetch.max.bytes` and one batch large; what announces more than this is no broker. */
const MESSAGE_BYTES_MAX = 1024 * 1024 * 1024;
/** Unsent bytes at which a writer is told to wait. */
const HIGH_WATER_MARK_BYTES = 1024 * 1024;

export interface NodeWebSocketConnectorOptions {
  /** The subprotocols to offer, best first: `["kafka.unordered", "kafka"]` by default; an empty list offers none. */
  readonly subprotocols?: readonly string[];
  /** Options of `node:tls` for `wss://` addresses: `ca`, `cert`, `key` … */
  readonly tls?: ConnectionOptions;
  /**
   * Masks messages with zeros: saves a copy of everything that is sent. RFC 6455 asks for unpredictable masks, against
   * proxies that could take what a page sends for something else; so only where there is none in between.
   */
  readonly zeroMask?: boolean;
  /** Further headers of the upgrade request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Connects over the `ws` package, which unlike the platform's WebSocket has backpressure and gathered writes. */
export function createNodeWebSocketConnector(
  runtime: Pick<Runtime, "timers" | "random">,
  options: NodeWebSocketConnectorOptions = {},
): Connector {
  return {
    async connect(address, connectOptions) {
      if (address.url === undefined) throw configError("A WebSocket connector needs a ws:// or wss:// URL.");
      return openWebSocket(address, address.url, runtime, options, connectOptions);
    },
  };
}

function messageEncoder(random: Random, zeroMask: boolean): EncodeMessage {
  if (zeroMask) return zeroMaskedMessage;
  const keys = new MaskKeys(random);
  return (chunks, sizeBytes) => [maskedMessage(chunks, sizeBytes, keys.next())];
}

function openWebSocket(
  address: BrokerAddress,
  url: string,
  runtime: Pick<Runtime, "timers" | "random">,
  options: NodeWebSocketConnectorOptions,
  { timeoutMs, signal }: ConnectOptions,
): Promise<ByteChannel> {
  let socket: Socket | undefined;
  const name = formatAddress(address);
  const encodeMessage = messageEncoder(runtime.random, options.zeroMask ?? false);
  const webSocket = new WebSocket(url, [...(options.subprotocols ?? DEFAULT_SUBPROTOCOLS)], {
    perMessageDeflate: false,
    skipUTF8Validation: true,
    maxPayload: MESSAGE_BYTES_MAX,
    followRedirects: false,
    headers: options.headers,
    ...options.tls,
  });
  webSocket.on("upgrade", (response) => {
    socket = response.socket;
    socket.setNoDelay(true);
  });
  return new Promise((resolve, reject) => {
    const settle = () => {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
      webSocket.removeAllListeners("open").removeAllListeners("error").removeAllListeners("unexpected-response");
    };
    const fail = (error: Error) => {
      settle();
      webSocket.on("error", () => {});
      webSocket.terminate();
      reject(error);
    };
    const onAbort = () => signal && fail(abortError(signal));
    const timer = runtime.timers.schedule(timeoutMs, () => {
      fail(timeoutError(`${name} did not answer within ${timeoutMs} ms (socket.connection.setup.timeout.ms).`));
    });
    webSocket.on("error", (error) => fail(socketError(`Cannot connect to ${name}`, error)));
    webSocket.on("unexpected-response", (_, response) => {
      fail(networkError(`${name} refused the WebSocket with HTTP status ${response.statusCode}.`));
    });
    webSocket.on("open", () => {
      settle();
      const channelOptions = { encodeMessage, highWaterMarkBytes: HIGH_WATER_MARK_BYTES };
      if (socket !== undefined) resolve(new NodeWebSocketChannel(webSocket, socket, channelOptions));
    });
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
  });
}

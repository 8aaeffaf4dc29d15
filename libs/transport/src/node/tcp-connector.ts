import { connect, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { Runtime } from "@ottla/runtime";
import { formatAddress } from "../address.ts";
import type { BrokerAddress, ByteChannel, ConnectOptions, Connector } from "../byte-channel.ts";
import { abortError, timeoutError } from "../transport-error.ts";
import { socketError } from "./socket-errors.ts";
import { SocketReader } from "./socket-reader.ts";
import { TcpChannel } from "./tcp-channel.ts";

/** Idle time after which the system probes whether the other side still exists. */
const KEEP_ALIVE_DELAY_MS = 60_000;
/** Unsent bytes at which a writer is told to wait. */
const HIGH_WATER_MARK_BYTES = 1024 * 1024;

export interface TcpConnectorOptions {
  /** TLS over TCP, with these options of `node:tls`; the server name is the address's host unless given. */
  readonly tls?: ConnectionOptions;
}

/** Connects over TCP, or TLS where `tls` is given. */
export function createTcpConnector(runtime: Pick<Runtime, "timers">, options: TcpConnectorOptions = {}): Connector {
  return {
    connect: (address, connectOptions) => {
      // TLS decrypts into blocks of its own.
      const reader = options.tls === undefined ? new SocketReader() : undefined;
      const socket = openSocket(address, options.tls, reader);
      return socketReady(socket, reader, address, runtime, connectOptions);
    },
  };
}

function openSocket(
  { host, port }: BrokerAddress,
  tls: ConnectionOptions | undefined,
  reader: SocketReader | undefined,
): Socket {
  // TLS sends names only to a server, no addresses.
  const servername = isIP(host) === 0 ? host : undefined;
  const socket =
    tls === undefined
      ? connect({ host, port, onread: reader?.onread }).pause()
      : connectTls({ servername, ...tls, host, port });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  return socket;
}

function socketReady(
  socket: Socket,
  reader: SocketReader | undefined,
  address: BrokerAddress,
  runtime: Pick<Runtime, "timers">,
  { timeoutMs, signal }: ConnectOptions,
): Promise<ByteChannel> {
  const readyEvent = reader === undefined ? "secureConnect" : "connect";
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      settle();
      socket.on("error", () => {});
      socket.destroy();
      reject(error);
    };
    const way = readyEvent === "connect" ? "" : " over TLS";
    const onError = (error: Error) => fail(socketError(`Cannot connect to ${formatAddress(address)}${way}`, error));
    const onAbort = () => signal && fail(abortError(signal));
    const onReady = () => {
      settle();
      const { timers } = runtime;
      resolve(new TcpChannel(socket, { timers, highWaterMarkBytes: HIGH_WATER_MARK_BYTES, reader }));
    };
    const timer = runtime.timers.schedule(timeoutMs, () => {
      const limit = `${timeoutMs} ms (socket.connection.setup.timeout.ms)`;
      fail(timeoutError(`${formatAddress(address)} did not answer within ${limit}.`));
    });
    const settle = () => {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
      socket.off("error", onError).off(readyEvent, onReady);
    };
    socket.on("error", onError).on(readyEvent, onReady);
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
  });
}

import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createSystemRuntime } from "@ottla/runtime";
import WebSocket, { WebSocketServer } from "ws";
import type { ByteChannel, Connector } from "../byte-channel.ts";
import { createMemoryPair } from "../memory-pair.ts";
import { TcpChannel } from "../node/tcp-channel.ts";
import { createTcpConnector } from "../node/tcp-connector.ts";
import { NodeWebSocketChannel } from "../node/websocket-channel.ts";
import { createNodeWebSocketConnector } from "../node/websocket-connector.ts";
import { unmaskedMessage } from "../node/websocket-frames.ts";
import { createWebSocketConnector } from "../websocket-connector.ts";

/** Two ends of one connection, neither of them started. */
export interface ChannelPair {
  readonly client: ByteChannel;
  readonly server: ByteChannel;
  cleanUp(): Promise<void>;
}

export interface ChannelKind {
  readonly name: string;
  /** Whether a paused client holds up the server: a platform's WebSocket cannot be told to stop reading. */
  readonly clientHoldsUpServer: boolean;
  open(): Promise<ChannelPair>;
}

const HIGH_WATER_MARK_BYTES = 256 * 1024;
const runtime = createSystemRuntime();

/** The `ws` client stands in for a platform's WebSocket where there is none (Node.js 20): it has the same interface. */
const PlatformWebSocket = globalThis.WebSocket ?? (WebSocket as unknown as typeof globalThis.WebSocket);

export const channelKinds: readonly ChannelKind[] = [
  {
    name: "memory",
    clientHoldsUpServer: true,
    async open() {
      const [client, server] = createMemoryPair({ highWaterMarkBytes: HIGH_WATER_MARK_BYTES });
      return { client, server, cleanUp: async () => {} };
    },
  },
  { name: "TCP", clientHoldsUpServer: true, open: openTcp },
  {
    name: "WebSocket (ws)",
    clientHoldsUpServer: true,
    open: () => openWebSocket(createNodeWebSocketConnector(runtime)),
  },
  {
    name: "WebSocket (ws, zero mask)",
    clientHoldsUpServer: true,
    open: () => openWebSocket(createNodeWebSocketConnector(runtime, { zeroMask: true })),
  },
  {
    name: "WebSocket (platform)",
    clientHoldsUpServer: false,
    open: () => openWebSocket(createWebSocketConnector(runtime, { WebSocket: PlatformWebSocket })),
  },
];

async function openTcp(): Promise<ChannelPair> {
  const tcp = createServer({ noDelay: true, pauseOnConnect: true });
  const accepted = new Promise<Socket>((resolve) => tcp.once("connection", resolve));
  const port = await listen(tcp);
  const client = await createTcpConnector(runtime).connect({ host: "127.0.0.1", port }, { timeoutMs: 5_000 });
  const options = { timers: runtime.timers, highWaterMarkBytes: HIGH_WATER_MARK_BYTES };
  const server = new TcpChannel(await accepted, options);
  return { client, server, cleanUp: () => closeAll(tcp, client, server) };
}

async function openWebSocket(connector: Connector): Promise<ChannelPair> {
  const http = createHttpServer();
  const webSockets = new WebSocketServer({ server: http, perMessageDeflate: false });
  const accepted = new Promise<ByteChannel>((resolve) => {
    webSockets.once("connection", (webSocket, request) => {
      resolve(
        new NodeWebSocketChannel(webSocket, request.socket, {
          encodeMessage: unmaskedMessage,
          highWaterMarkBytes: HIGH_WATER_MARK_BYTES,
        }),
      );
    });
  });
  const port = await listen(http);
  const url = `ws://127.0.0.1:${port}/kafka`;
  const client = await connector.connect({ host: "127.0.0.1", port, url }, { timeoutMs: 5_000 });
  const server = await accepted;
  return { client, server, cleanUp: () => closeAll(http, client, server) };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function closeAll(listener: Server, client: ByteChannel, server: ByteChannel): Promise<void> {
  client.destroy();
  server.destroy();
  await new Promise((resolve) => listener.close(resolve));
}

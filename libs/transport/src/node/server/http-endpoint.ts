import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Timers } from "@ottla/runtime";
import { type WebSocket, WebSocketServer } from "ws";
import { SIZE_PREFIX_BYTES } from "../../frame-decoder.ts";
import { judgeOrigin, type OriginVerdict } from "../../server/origin-policy.ts";
import { ORDERED_SUBPROTOCOL, UNORDERED_SUBPROTOCOL } from "../../subprotocol.ts";
import { closeSocket } from "../close-socket.ts";
import { NodeWebSocketChannel } from "../websocket-channel.ts";
import { unmaskedMessage } from "../websocket-frames.ts";
import { advertisedToWebSocket } from "./advertised.ts";
import type { Connections } from "./connections.ts";
import { browserRequest, handlerRequest, sendResponse, textResponse } from "./http-bridge.ts";
import type { ListenerOptions, ServerContext } from "./options.ts";
import { ownHosts } from "./own-hosts.ts";

/** What Node.js's parser calls a request whose head is longer than it takes. */
const HEADERS_TOO_LARGE = "HPE_HEADER_OVERFLOW";
const TOO_LARGE = [431, "The headers of this request are too large."] as const;
const NOT_HTTP = [400, "This is not a valid HTTP request."] as const;

const WEBSOCKET_PATHS: readonly string[] = ["/kafka", "/"];

/** HTTP and WebSocket on one listener. It listens nowhere itself: sockets are handed to it. */
export class HttpEndpoint {
  private readonly listener: ListenerOptions;
  private readonly context: ServerContext;
  private readonly connections: Connections;
  private readonly isOwnHost: (hostname: string) => boolean;
  private readonly http: Server;
  private readonly webSockets: WebSocketServer;

  constructor(listener: ListenerOptions, context: ServerContext, connections: Connections) {
    this.listener = listener;
    this.context = context;
    this.connections = connections;
    this.isOwnHost = ownHosts(listener);
    this.http = createServer((request, response) => void this.handleRequest(request, response));
    this.http.on("upgrade", (request, socket, head) => this.handleUpgrade(request, socket, head));
    this.http.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      const [status, reason] = error.code === HEADERS_TOO_LARGE ? TOO_LARGE : NOT_HTTP;
      refuse(socket as Socket, context.runtime.timers, status, reason);
    });
    this.webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      skipUTF8Validation: true,
      maxPayload: context.limits.maxRequestBytes + SIZE_PREFIX_BYTES,
      handleProtocols: chooseSubprotocol,
    });
  }

  /** Takes over a socket whose first bytes are HTTP. Its handshake ends with the head of its request. */
  accept(socket: Socket, firstChunk: Uint8Array): void {
    socket.pause();
    socket.unshift(firstChunk);
    this.http.emit("connection", socket);
    socket.resume();
  }

  private async handleRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.connections.endHandshake(request.socket);
    this.limitAnswerTime(request.socket);
    request.resume();
    const verdict = this.judge(request, false);
    if (!verdict.allowed) {
      await sendResponse(response, textResponse(403, verdict.reason));
      return;
    }
    const options = { corsOrigin: verdict.corsOrigin, withoutBody: request.method === "HEAD" };
    const answer = request.method === "OPTIONS" ? { status: 204 } : await this.answer(request);
    try {
      await sendResponse(response, answer, options);
    } catch (error) {
      this.context.runtime.logger.error("An HTTP response failed half-way", { path: request.url, error });
      response.destroy();
    }
  }

  /** One request a connection; a client that does not take its answer is idle. */
  private limitAnswerTime(socket: Socket): void {
    const { runtime, limits } = this.context;
    const timer = runtime.timers.schedule(limits.connectionsMaxIdleMs, () => socket.destroy());
    socket.once("close", () => timer.cancel());
  }

  private async answer(request: IncomingMessage) {
    const handled = handlerRequest(request);
    if (handled === null) return textResponse(400, "The request target is not a path.");
    if (this.context.http === undefined || !this.listener.protocols.includes("http")) {
      return textResponse(404, "There is nothing here but Kafka.");
    }
    try {
      return await this.context.http(handled);
    } catch (error) {
      this.context.runtime.logger.error("The HTTP handler failed", { path: handled.path, error });
      return textResponse(500, "Internal error.");
    }
  }

  private handleUpgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    const socket = duplex as Socket;
    this.connections.endHandshake(socket);
    const { timers } = this.context.runtime;
    const verdict = this.judge(request, true);
    const path = (request.url ?? "").split("?", 1)[0]!;
    if (!verdict.allowed) {
      refuse(socket, timers, 403, verdict.reason);
    } else if (!this.listener.protocols.includes("ws") || !WEBSOCKET_PATHS.includes(path)) {
      refuse(socket, timers, 404, "There is no WebSocket endpoint here; it is at /kafka.");
    } else {
      this.webSockets.handleUpgrade(request, socket, head, (webSocket) => this.open(webSocket, socket, request));
    }
  }

  private open(webSocket: WebSocket, socket: Socket, request: IncomingMessage): void {
    const { limits, frameMemory } = this.context;
    const highWaterMarkBytes = limits.maxUnsentResponseBytes;
    this.connections.serve(
      new NodeWebSocketChannel(webSocket, socket, { encodeMessage: unmaskedMessage, highWaterMarkBytes, frameMemory }),
      {
        listenerName: this.listener.name,
        advertised: advertisedToWebSocket(this.listener, socket, request),
        ordered: webSocket.protocol !== UNORDERED_SUBPROTOCOL,
      },
    );
  }

  private judge(request: IncomingMessage, isUpgrade: boolean): OriginVerdict {
    const policy = { allowedOrigins: this.context.allowedOrigins(), isOwnHost: this.isOwnHost };
    const verdict = judgeOrigin(browserRequest(request, isUpgrade), policy);
    if (!verdict.allowed) {
      const { remoteAddress } = request.socket;
      const fields = { listener: this.listener.name, remote: remoteAddress, path: request.url, reason: verdict.reason };
      this.context.runtime.logger.warn("Refusing a web page", fields);
    }
    return verdict;
  }
}

function chooseSubprotocol(offered: ReadonlySet<string>): string | false {
  for (const name of offered) if (name === UNORDERED_SUBPROTOCOL || name === ORDERED_SUBPROTOCOL) return name;
  return false;
}

/** Answers on the bare socket, where there is no response object, and closes. */
export function refuse(socket: Socket, timers: Timers, status: number, text: string): void {
  const body = `${text}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  closeSocket(socket, timers, `${head.join("\r\n")}\r\n\r\n${body}`);
}

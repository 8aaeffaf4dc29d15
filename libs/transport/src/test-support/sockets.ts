import { connect, type Socket } from "node:net";
import { apiVersionsApi, encodeRequest } from "@ottla/protocol";
import WebSocket, { type ClientOptions } from "ws";
import { concat } from "./support.ts";

/** A client that sees bytes: for what no proper client would send. */
export class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  private readonly chunks: Buffer[] = [];
  private waiters: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.chunks.push(chunk);
      this.wake();
    });
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => socket.on("close", () => resolve(this.wake())));
  }

  static async connect(port: number, host = "127.0.0.1"): Promise<RawClient> {
    const socket = connect({ port, host, noDelay: true });
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new RawClient(socket);
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get text(): string {
    return this.received.toString("latin1");
  }

  send(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** Sends the bytes one by one, each in a packet of its own. */
  async sendSlowly(bytes: Uint8Array): Promise<void> {
    for (const byte of bytes) {
      await new Promise((resolve) => this.socket.write(Uint8Array.of(byte), resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Resolves when `condition` holds or the connection has ended. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.socket.destroyed) {
      await new Promise<void>((resolve) => this.waiters.push(resolve));
    }
  }

  private wake(): void {
    const waiters = this.waiters;
    this.waiters = [];
    for (const resolve of waiters) resolve();
  }
}

/** Everything that a server answers to `bytes` until it closes the connection. */
export async function exchangeRaw(port: number, bytes: Uint8Array | string): Promise<string> {
  const client = await RawClient.connect(port);
  client.send(bytes);
  await client.closed;
  return client.text;
}

/** An HTTP request as text. */
export function httpRequest(
  line: string,
  headers: Readonly<Record<string, string | undefined>> = {},
  body = "",
): string {
  const given = Object.entries(headers).filter(([, value]) => value !== undefined);
  const lines = given.map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

/** A request that every broker answers, its size in front. */
export function apiVersionsRequest(correlationId: number, version = 0): Uint8Array {
  return concat(encodeRequest(apiVersionsApi, version, { correlationId, clientId: "raw" }, {}));
}

export interface UpgradeResult {
  readonly status: number;
  readonly body: string;
  readonly webSocket: WebSocket | null;
}

/** Tries to open a WebSocket, and says how that ended. */
export function upgrade(
  url: string,
  options: ClientOptions & { readonly subprotocols?: string[] } = {},
): Promise<UpgradeResult> {
  const { subprotocols = [], ...clientOptions } = options;
  const webSocket = new WebSocket(url, subprotocols, { perMessageDeflate: false, ...clientOptions });
  return new Promise((resolve, reject) => {
    webSocket.on("open", () => resolve({ status: 101, body: "", webSocket }));
    webSocket.on("error", reject);
    webSocket.on("unexpected-response", (_, response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString(), webSocket: null });
      });
    });
  });
}

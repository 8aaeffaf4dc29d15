import { connect, createServer, type Server, type Socket } from "node:net";
import { apiVersionsApi, ByteReader, concatBytes, encodeResponse, responseHeader } from "@ottla/protocol";

/** What comes after this much is passed on, and not kept. */
const MAX_KEPT_BYTES = 128 * 1_048_576;

/** One frame that crossed the proxy, without its size prefix. */
export interface CapturedFrame {
  readonly direction: "request" | "response";
  readonly connectionId: number;
  readonly bytes: Uint8Array;
}

/**
 * A TCP proxy in front of a broker that keeps every Kafka frame both ways. Clients must be told the proxy's address:
 * start the broker with `advertised.listeners` set to it.
 */
export class CaptureProxy {
  readonly frames: CapturedFrame[] = [];
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target = 0;
  readonly #maxVersions: Readonly<Record<number, number>> | null;
  readonly #apiVersionsRequests = new Map<string, number>();
  #nextConnectionId = 1;
  #keptBytes = 0;

  private constructor(server: Server, port: number, maxVersions: Readonly<Record<number, number>> | null) {
    this.#server = server;
    this.#maxVersions = maxVersions;
    this.port = port;
    server.on("connection", (socket) => this.#serve(socket));
  }

  /** `maxVersions` (by API key) makes clients speak no newer versions than these. */
  static async listen(maxVersions: Readonly<Record<number, number>> | null = null): Promise<CaptureProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    return new CaptureProxy(server, address.port, maxVersions);
  }

  /** Where connections go from now on. */
  forwardTo(port: number): void {
    this.#target = port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(client: Socket): void {
    const connectionId = this.#nextConnectionId++;
    const broker = connect(this.#target, "127.0.0.1");
    this.#pipe(client, broker, connectionId, "request");
    this.#pipe(broker, client, connectionId, "response");
  }

  #pipe(from: Socket, to: Socket, connectionId: number, direction: CapturedFrame["direction"]): void {
    let pending: Buffer = Buffer.alloc(0);
    this.#sockets.add(from);
    from.on("data", (chunk: Buffer) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
        const end = 4 + pending.readInt32BE(0);
        const bytes = this.#seen({ direction, connectionId, bytes: new Uint8Array(pending.subarray(4, end)) });
        to.write(Buffer.concat([pending.subarray(0, 4), bytes]));
        pending = pending.subarray(end);
      }
    });
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }

  /** Keeps a frame, within the bound. What is passed on is as long as what came. */
  #seen(frame: CapturedFrame): Uint8Array {
    const bytes = this.#maxVersions === null ? frame.bytes : this.#withVersionsCapped(frame);
    this.#keptBytes += bytes.length;
    if (this.#keptBytes <= MAX_KEPT_BYTES) this.frames.push({ ...frame, bytes });
    return bytes;
  }

  /** The broker's answer to ApiVersions, as if it knew no newer versions than these. */
  #withVersionsCapped({ direction, connectionId, bytes }: CapturedFrame): Uint8Array {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    if (direction === "request") {
      if (view.getInt16(0) !== apiVersionsApi.key) return bytes;
      this.#apiVersionsRequests.set(`${connectionId}/${view.getInt32(4)}`, view.getInt16(2));
      return bytes;
    }
    const version = this.#apiVersionsRequests.get(`${connectionId}/${view.getInt32(0)}`);
    if (version === undefined) return bytes;
    const reader = new ByteReader(bytes);
    const { correlationId } = responseHeader.decode(reader, apiVersionsApi.responseHeaderVersion(version));
    const response = apiVersionsApi.response.decode(reader, version);
    const apiKeys = response.apiKeys.map((api) => {
      const maxVersion = Math.min(api.maxVersion, this.#maxVersions?.[api.apiKey] ?? api.maxVersion);
      return { ...api, maxVersion };
    });
    return concatBytes(encodeResponse(apiVersionsApi, version, correlationId, { ...response, apiKeys })).subarray(4);
  }
}

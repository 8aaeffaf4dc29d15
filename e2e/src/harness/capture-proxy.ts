import { connect, createServer, type Server, type Socket } from "node:net";

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
  #nextConnectionId = 1;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on("connection", (socket) => this.#serve(socket));
  }

  static async listen(): Promise<CaptureProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    return new CaptureProxy(server, address.port);
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
      to.write(chunk);
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
        const end = 4 + pending.readInt32BE(0);
        this.frames.push({ direction, connectionId, bytes: new Uint8Array(pending.subarray(4, end)) });
        pending = pending.subarray(end);
      }
    });
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}

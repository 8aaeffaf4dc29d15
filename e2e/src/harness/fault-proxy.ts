import { connect, createServer, type Server, type Socket } from "node:net";

/** Which bytes get through no more: to the server, from it, or neither. */
export type CutDirection = "both" | "to" | "from";

interface Carried {
  readonly client: Socket;
  readonly server: Socket;
  /** The broker whose connection it is, as its first request says (`client.id`); null for anybody else. */
  brokerId: number | null;
}

interface Cut {
  readonly direction: CutDirection;
  /** Only connections of this broker; null: all. */
  readonly brokerId: number | null;
}

/** How far into a first request the client id of a broker stands. */
const CLIENT_ID_AT_BYTES = 14;
const BROKER_CLIENT_ID = /^broker-(\d+)-/;

/**
 * A TCP proxy that can be made a broken network: connections stay, and what is sent does not arrive, either way. Once it
 * is mended everything arrives, as TCP has it.
 */
export class FaultProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #target: () => number;
  readonly #carried = new Set<Carried>();
  #cuts: Cut[] = [];

  private constructor(server: Server, port: number, target: () => number) {
    this.#server = server;
    this.port = port;
    this.#target = target;
    server.on("connection", (client) => this.#carry(client));
  }

  static async listen(target: () => number): Promise<FaultProxy> {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    return new FaultProxy(server, address.port, target);
  }

  cut(direction: CutDirection = "both", brokerId: number | null = null): void {
    this.#cuts.push({ direction, brokerId });
    for (const carried of this.#carried) this.#apply(carried);
  }

  mend(): void {
    this.#cuts = [];
    for (const carried of this.#carried) this.#apply(carried);
  }

  async close(): Promise<void> {
    for (const { client, server } of this.#carried) {
      client.destroy();
      server.destroy();
    }
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #carry(client: Socket): void {
    const server = connect(this.#target(), "127.0.0.1");
    const carried: Carried = { client, server, brokerId: null };
    this.#carried.add(carried);
    let isKnown = false;
    client.on("data", (chunk: Buffer) => {
      if (!isKnown) {
        isKnown = true;
        carried.brokerId = brokerIdOf(chunk);
        this.#apply(carried);
        // What is held back now is given back, to come when the way is free.
        if (client.isPaused()) return void client.unshift(chunk);
      }
      server.write(chunk);
    });
    server.on("data", (chunk) => client.write(chunk));
    this.#untilEnd(carried, client, server);
    this.#untilEnd(carried, server, client);
    this.#apply(carried);
  }

  #untilEnd(carried: Carried, socket: Socket, other: Socket): void {
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#carried.delete(carried);
      other.destroy();
    });
  }

  #apply({ client, server, brokerId }: Carried): void {
    const isCut = (direction: CutDirection) =>
      this.#cuts.some(
        (cut) => (cut.brokerId ?? brokerId) === brokerId && (cut.direction === "both" || cut.direction === direction),
      );
    if (isCut("to")) client.pause();
    else client.resume();
    if (isCut("from")) server.pause();
    else server.resume();
  }
}

/** Of a Kafka request: size, API key, version and correlation id come before the client id. */
function brokerIdOf(chunk: Buffer): number | null {
  if (chunk.length < CLIENT_ID_AT_BYTES) return null;
  const clientId = chunk.toString("latin1", CLIENT_ID_AT_BYTES, CLIENT_ID_AT_BYTES + chunk.readInt16BE(12));
  const match = BROKER_CLIENT_ID.exec(clientId);
  return match === null ? null : Number(match[1]);
}

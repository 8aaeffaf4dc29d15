import { request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

export interface ReverseProxyOptions {
  /** Of TLS, which ends here. */
  readonly certificate: { readonly key: string; readonly cert: string };
  /** The path that is taken off before anything is passed on: `/bus`. */
  readonly prefix: string;
}

const COOKIE = "signed-in=yes";

/**
 * What nginx and its like do, in little: TLS ends here, nobody gets through who is not signed in (a cookie, which `/sign-in`
 * sets), paths below a prefix lead to the broker without it, upgrades and the Host header are passed on.
 */
export class ReverseProxy {
  /** The port of the broker behind it. */
  targetPort = 0;
  readonly #options: ReverseProxyOptions;
  readonly #server: Server;
  readonly #upgraded = new Set<Duplex>();

  private constructor(options: ReverseProxyOptions) {
    this.#options = options;
    this.#server = createServer(options.certificate, (request, response) => this.#pass(request, response));
    this.#server.on("upgrade", (request, socket, head) => this.#passUpgrade(request, socket, head));
  }

  static async start(options: ReverseProxyOptions): Promise<ReverseProxy> {
    const proxy = new ReverseProxy(options);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "localhost", resolve));
    return proxy;
  }

  /** `localhost:41234` */
  get host(): string {
    return `localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends what is open, as proxies end what is idle. */
  endConnections(): void {
    for (const socket of this.#upgraded) socket.destroy();
  }

  async close(): Promise<void> {
    this.endConnections();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    if (request.url === "/sign-in") return void response.setHeader("set-cookie", `${COOKIE}; Path=/`).end("signed in");
    const path = this.#pathBehind(request);
    if (path === null) return void response.writeHead(401).end("sign in first");
    const { method, headers } = request;
    const onward = forward({ port: this.targetPort, host: "localhost", method, headers, path }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  }

  #passUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = this.#pathBehind(request);
    if (path === null) return void socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    const onward = forward({ port: this.targetPort, host: "localhost", headers: request.headers, path });
    onward.on("error", () => socket.destroy());
    onward.on("response", ({ statusCode }) => socket.end(`HTTP/1.1 ${statusCode} Refused\r\n\r\n`));
    onward.on("upgrade", ({ rawHeaders }, upstream, upstreamHead) => {
      const lines = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}`] : []));
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
      socket.write(upstreamHead);
      upstream.write(head);
      socket.pipe(upstream).pipe(socket);
      this.#upgraded.add(socket);
      for (const [one, other] of [
        [socket, upstream],
        [upstream, socket],
      ] as const) {
        one.on("error", () => other.destroy());
        one.on("close", () => {
          this.#upgraded.delete(socket);
          other.destroy();
        });
      }
    });
    onward.end();
  }

  /** Null for who may not, or for what is elsewhere. */
  #pathBehind({ url = "", headers }: IncomingMessage): string | null {
    const { prefix } = this.#options;
    if (!url.startsWith(`${prefix}/`) || !headers.cookie?.includes(COOKIE)) return null;
    return url.slice(prefix.length);
  }
}

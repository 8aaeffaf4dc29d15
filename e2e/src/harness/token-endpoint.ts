import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** How long a token of the endpoint lives: less than a session of the broker would. */
const TOKEN_LIFE_S = 2;

/** An unsecured JWS, which Kafka takes as long as it is told no better. */
export function tokenFor(subject: string, livesS = 3600): string {
  const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString("base64url");
  const nowS = Math.floor(Date.now() / 1000);
  return `${part({ alg: "none" })}.${part({ sub: subject, iat: nowS - 1, exp: nowS + livesS })}.`;
}

/** Gives tokens to one client that knows its secret (RFC 6749, client credentials). */
export class TokenEndpoint {
  tokensGiven = 0;
  readonly #server: Server;

  private constructor({ clientId, clientSecret }: { readonly clientId: string; readonly clientSecret: string }) {
    const expected = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
    this.#server = createServer(async (request, response) => {
      const isAllowed = request.headers.authorization === expected && (await isClientCredentials(request));
      const answer = isAllowed ? { access_token: tokenFor(clientId, TOKEN_LIFE_S) } : { error: "invalid_client" };
      if (isAllowed) this.tokensGiven++;
      response.writeHead(isAllowed ? 200 : 401, { "content-type": "application/json" }).end(JSON.stringify(answer));
    });
  }

  static async start(client: { readonly clientId: string; readonly clientSecret: string }): Promise<TokenEndpoint> {
    const endpoint = new TokenEndpoint(client);
    await once(endpoint.#server.listen(0, "127.0.0.1"), "listening");
    return endpoint;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function isClientCredentials(request: IncomingMessage): Promise<boolean> {
  let body = "";
  for await (const chunk of request) body += chunk;
  return request.method === "POST" && new URLSearchParams(body).get("grant_type") === "client_credentials";
}

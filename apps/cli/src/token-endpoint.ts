import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { KafkaError, type OAuthBearerToken, type OAuthBearerTokenProvider } from "@ottla/client";

/** How to get at tokens, as `sasl.oauthbearer.*` and `sasl.login.*` say it. */
export interface TokenEndpoint {
  /** `http(s):` asks there with client credentials (RFC 6749, section 4.4); `file:` reads the token from that file. */
  readonly url: URL;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | undefined;
  /** Whether id and secret are percent-encoded before they are joined (`sasl.oauthbearer.header.urlencode`). */
  readonly encodesHeader: boolean;
  readonly timeoutMs: number;
}

/** How much of what the endpoint says becomes part of an error. */
const SHOWN_CHARACTERS_MAX = 200;

/** Answers after which asking again gives nothing else: the credentials, or the request, are not to its liking. */
const FINAL_STATUSES: ReadonlySet<number> = new Set([400, 401, 403, 404, 405]);

/** Fetches a token each time it is asked; whoever asks keeps it until it is about to expire. */
export function tokensFrom(endpoint: TokenEndpoint): OAuthBearerTokenProvider {
  if (endpoint.url.protocol === "file:") {
    return async () => tokenOf(readFileSync(fileURLToPath(endpoint.url), "utf8").trim());
  }
  return () => fetchToken(endpoint);
}

async function fetchToken(endpoint: TokenEndpoint): Promise<OAuthBearerToken> {
  const { url, scope, timeoutMs } = endpoint;
  const response = await fetch(url, {
    method: "POST",
    headers: { accept: "application/json", authorization: basic(endpoint) },
    body: new URLSearchParams({ grant_type: "client_credentials", ...(scope !== undefined && { scope }) }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const answer = parse(await response.text());
  if (!response.ok) throw refused(url, response.status, answer);
  const value = text(answer, "access_token") ?? text(answer, "id_token");
  if (value === undefined) throw new Error(`${nameOf(url)} answered without access_token`);
  return tokenOf(value, answer.expires_in);
}

function basic({ clientId, clientSecret, encodesHeader }: TokenEndpoint): string {
  const part = encodesHeader ? encodeURIComponent : (text: string) => text;
  return `Basic ${Buffer.from(`${part(clientId)}:${part(clientSecret)}`).toString("base64")}`;
}

/** Brokers go by what the token itself says of its end, where it is a JWT. */
function tokenOf(value: string, expiresInS?: unknown): OAuthBearerToken {
  const { exp } = parse(Buffer.from(value.split(".")[1] ?? "", "base64url").toString());
  if (typeof exp === "number") return { value, expiresAtMs: exp * 1000 };
  if (typeof expiresInS === "number") return { value, expiresAtMs: Date.now() + expiresInS * 1000 };
  return { value };
}

function refused(url: URL, status: number, answer: Record<string, unknown>): Error {
  const reasons = [text(answer, "error"), text(answer, "error_description")].filter((reason) => reason !== undefined);
  const why = reasons.length === 0 ? "" : `: ${reasons.join(", ").slice(0, SHOWN_CHARACTERS_MAX)}`;
  const message = `${nameOf(url)} gave no token, but status ${status}${why}`;
  if (FINAL_STATUSES.has(status)) return new KafkaError(message, { code: "SASL_AUTHENTICATION_FAILED" });
  return new Error(message);
}

/** Without what may be secret: user, password, query. */
function nameOf({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

/** An object, empty where the text is no JSON object. */
function parse(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function text(answer: Record<string, unknown>, name: string): string | undefined {
  const value = answer[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

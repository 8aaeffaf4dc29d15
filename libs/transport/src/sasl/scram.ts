import { KafkaError } from "@ottla/protocol";
import { configError } from "../transport-error.ts";
import type { SaslExchange } from "./exchange.ts";

/** What a SCRAM exchange starts from. */
export interface ScramCredentials {
  readonly hash: "SHA-256" | "SHA-512";
  readonly username: string;
  readonly password: string;
  readonly isDelegationToken: boolean;
  /** Letters and digits that were never used before. */
  readonly nonce: string;
}

/** Without channel binding and without an authorization id (RFC 5802). */
const GS2_HEADER = "n,,";
const BITS: Readonly<Record<ScramCredentials["hash"], number>> = { "SHA-256": 256, "SHA-512": 512 };
/** Kafka asks for at least this many, and so does its client of a broker: fewer make passwords easy to guess. */
const ITERATIONS_MIN = 4_096;
/** A broker that is none must not keep the client busy for ever. */
const ITERATIONS_MAX = 1_000_000;

const utf8 = (text: string) => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;

/** RFC 5802: the client proves that it knows the password, the broker that it knows what was derived from it. */
export function scramExchange(credentials: ScramCredentials): SaslExchange {
  const firstBare = clientFirstBare(credentials);
  let serverSignature: string | null = null;
  return {
    first: () => utf8(`${GS2_HEADER}${firstBare}`),
    async next(challenge) {
      const message = new TextDecoder().decode(challenge);
      if (serverSignature !== null) {
        checkServerFinal(message, serverSignature);
        return null;
      }
      const answer = await clientFinal(credentials, firstBare, message);
      serverSignature = answer.serverSignature;
      return utf8(answer.message);
    },
  };
}

function clientFirstBare({ username, nonce, isDelegationToken }: ScramCredentials): string {
  const name = username.replaceAll("=", "=3D").replaceAll(",", "=2C");
  return `n=${name},r=${nonce}${isDelegationToken ? ",tokenauth=true" : ""}`;
}

async function clientFinal(credentials: ScramCredentials, firstBare: string, serverFirst: string) {
  const { nonce, salt, iterations } = readServerFirst(serverFirst, credentials.nonce);
  const { hash } = credentials;
  const crypto = requireWebCrypto();
  const saltedPassword = await deriveSaltedPassword(crypto, credentials, salt, iterations);
  const clientKey = await hmac(crypto, hash, saltedPassword, utf8("Client Key"));
  const storedKey = await crypto.digest(hash, clientKey);
  const serverKey = await hmac(crypto, hash, saltedPassword, utf8("Server Key"));
  const withoutProof = `c=${btoa(GS2_HEADER)},r=${nonce}`;
  const authMessage = utf8(`${firstBare},${serverFirst},${withoutProof}`);
  const clientSignature = await hmac(crypto, hash, new Uint8Array(storedKey), authMessage);
  const proof = clientKey.map((byte, index) => byte ^ clientSignature[index]!);
  const serverSignature = toBase64(await hmac(crypto, hash, serverKey, authMessage));
  return { message: `${withoutProof},p=${toBase64(proof)}`, serverSignature };
}

function readServerFirst(message: string, clientNonce: string) {
  const [, nonce, saltText, iterationsText] = /^r=([^,]+),s=([^,]+),i=(\d+)(?:,|$)/.exec(message) ?? [];
  if (nonce === undefined || saltText === undefined) throw untrusted("sent a SCRAM message that cannot be read");
  if (!nonce.startsWith(clientNonce) || nonce === clientNonce) throw untrusted("answered with another nonce");
  const iterations = Number(iterationsText);
  if (iterations < ITERATIONS_MIN || iterations > ITERATIONS_MAX) {
    throw untrusted(`asks for ${iterations} iterations; between ${ITERATIONS_MIN} and ${ITERATIONS_MAX} are accepted`);
  }
  return { nonce, salt: fromBase64(saltText), iterations };
}

function checkServerFinal(message: string, expectedSignature: string): void {
  const [, error] = /^e=([^,]*)/.exec(message) ?? [];
  if (error !== undefined) throw untrusted(`refused the user or password (${error})`);
  const [, signature] = /^v=([^,]+)/.exec(message) ?? [];
  if (signature !== expectedSignature) throw untrusted("could not prove that it knows the user's credentials");
}

async function deriveSaltedPassword(
  crypto: SubtleCrypto,
  { hash, password }: ScramCredentials,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.importKey("raw", utf8(password), "PBKDF2", false, ["deriveBits"]);
  return new Uint8Array(await crypto.deriveBits({ name: "PBKDF2", hash, salt, iterations }, key, BITS[hash]));
}

async function hmac(
  crypto: SubtleCrypto,
  hash: string,
  secret: Uint8Array<ArrayBuffer>,
  data: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.importKey("raw", secret, { name: "HMAC", hash }, false, ["sign"]);
  return new Uint8Array(await crypto.sign("HMAC", key, data));
}

/** Browsers have it for pages that came over HTTPS or from this machine only. */
function requireWebCrypto(): SubtleCrypto {
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (subtle !== undefined) return subtle;
  throw configError("SCRAM needs WebCrypto, which browsers give only to pages served over HTTPS or from localhost.");
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    throw untrusted("sent a salt that is not Base64");
  }
}

function untrusted(what: string): KafkaError {
  return new KafkaError(`The broker ${what}.`, {
    code: "SASL_AUTHENTICATION_FAILED",
  });
}

import { configError } from "../transport-error.ts";
import type { SaslExchange } from "./exchange.ts";
import type { OAuthBearerToken } from "./sasl-options.ts";

const SEPARATOR = "\x01";
const EXTENSION_NAME = /^[A-Za-z]+$/;
const EXTENSION_VALUE = /^[\x21-\x7e \t\r\n]+$/;
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * RFC 7628, with the extensions of KIP-342. A broker that refuses the token says why in a message of its own, which is
 * to be acknowledged before it fails the authentication.
 */
export function oauthBearerExchange(token: OAuthBearerToken): SaslExchange {
  return {
    first: () => new TextEncoder().encode(initialResponse(token)),
    next: (challenge) => (challenge.length === 0 ? null : Uint8Array.of(1)),
  };
}

function initialResponse({ value, extensions = {} }: OAuthBearerToken): string {
  if (typeof value !== "string" || !TOKEN.test(value)) {
    throw configError("sasl.token gave no token: a text without blanks is needed.");
  }
  const pairs = Object.entries(extensions).map(([name, text]) => `${name}=${text}${SEPARATOR}`);
  for (const [name, text] of Object.entries(extensions)) {
    if (EXTENSION_NAME.test(name) && name !== "auth" && EXTENSION_VALUE.test(text)) continue;
    throw configError(
      'sasl.token gave an extension that is not allowed: names are letters (not "auth"), values ASCII.',
    );
  }
  return `n,,${SEPARATOR}auth=Bearer ${value}${SEPARATOR}${pairs.join("")}${SEPARATOR}`;
}

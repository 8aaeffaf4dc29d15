/** What an HTTP request says about the page it comes from. Header values as they came; undefined where absent. */
export interface BrowserRequest {
  readonly method: string;
  readonly isUpgrade: boolean;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  readonly fetchDest: string | undefined;
}

export interface OriginPolicy {
  /** `allowed.origins`: origins such as `https://console.example.com`, or `*` for all. */
  readonly allowedOrigins: readonly string[];
  /** Whether this broker is reached by a host name (lower case, without port and brackets). */
  readonly isOwnHost: (hostname: string) => boolean;
}

/** `corsOrigin`: the origin to name in CORS headers, when another origin was let in. */
export type OriginVerdict =
  | { readonly allowed: true; readonly corsOrigin?: string }
  | { readonly allowed: false; readonly reason: string };

const ALLOWED: OriginVerdict = { allowed: true };

/**
 * Decides whether an HTTP request or WebSocket upgrade may come in. A page of another origin may not, unless
 * `allowed.origins` names it; programs that are no browsers send no Origin and may.
 *
 * "Same origin" is not taken from the request alone: a page on a name that an attacker points at this machine (DNS
 * rebinding) sends an Origin that equals its Host. So Host must be a name that we know to be ours. Plain GETs of such
 * a page carry no Origin at all, hence HTTP is held to that also without one. A browser's WebSocket always has one.
 */
export function judgeOrigin(request: BrowserRequest, policy: OriginPolicy): OriginVerdict {
  const { origin, host } = request;
  if (origin !== undefined && isListed(origin, policy)) return { allowed: true, corsOrigin: origin };
  if (origin === undefined && request.isUpgrade) return ALLOWED;
  if (host !== undefined && !isKnownHost(host, policy)) return refuseHost(host);
  if (origin !== undefined) return isSameOrigin(origin, host) ? ALLOWED : refuseOrigin(origin);
  return isForeignFetch(request) ? refuseFetch(request) : ALLOWED;
}

function isListed(origin: string, { allowedOrigins }: OriginPolicy): boolean {
  return allowedOrigins.some((listed) => listed === "*" || listed === origin || normalOrigin(listed) === origin);
}

/** `https://App.example.com:443/` as a browser writes it: `https://app.example.com`. */
function normalOrigin(listed: string): string | null {
  const origin = urlOf(listed)?.origin ?? "null";
  // URLs without an origin of their own give "null", which is what sandboxed pages of any site send.
  return origin === "null" ? null : origin;
}

function isKnownHost(host: string, policy: OriginPolicy): boolean {
  const hostname = hostnameOf(host);
  if (hostname === null) return false;
  const isListedHost = policy.allowedOrigins.some((origin) => origin === "*" || urlOf(origin)?.hostname === hostname);
  return isListedHost || policy.isOwnHost(hostname.replace(/^\[|\]$/g, ""));
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  const url = urlOf(origin);
  return url !== null && host !== undefined && url.host === urlOf(`${url.protocol}//${host}`)?.host;
}

/** A page elsewhere makes the browser fetch this, other than by going there. */
function isForeignFetch({ method, fetchSite, fetchMode, fetchDest }: BrowserRequest): boolean {
  if (fetchSite === undefined || fetchSite === "same-origin" || fetchSite === "none") return false;
  const isNavigation = fetchMode === "navigate" && fetchDest === "document";
  return !(isNavigation && (method === "GET" || method === "HEAD"));
}

/** The host name in a Host header, in the form that URLs have; null when it is no valid host. */
export function hostnameOf(host: string): string | null {
  return urlOf(`http://${host}`)?.hostname.replace(/\.$/, "") ?? null;
}

function urlOf(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

function refuseOrigin(origin: string): OriginVerdict {
  return {
    allowed: false,
    reason: `Pages of ${origin} may not use this broker; set allowed.origins=${origin} to let them.`,
  };
}

function refuseHost(host: string): OriginVerdict {
  const advice = "name it in advertised.listeners, or its origin in allowed.origins";
  return { allowed: false, reason: `"${host}" is not known as a name of this broker; ${advice}.` };
}

function refuseFetch({ fetchSite }: BrowserRequest): OriginVerdict {
  const advice = "set allowed.origins to let pages of other origins in";
  return { allowed: false, reason: `A ${fetchSite} request of a web page is refused; ${advice}.` };
}

import { describe, expect, test } from "vitest";
import { type BrowserRequest, judgeOrigin, type OriginPolicy } from "./origin-policy.ts";

const OWN_HOSTS = ["localhost", "127.0.0.1", "::1", "kafka.example.com"];
const POLICY: OriginPolicy = {
  allowedOrigins: ["https://console.example.com", "http://localhost:3000"],
  isOwnHost: (hostname) => OWN_HOSTS.includes(hostname),
};

function judge(request: Partial<BrowserRequest>, policy: OriginPolicy = POLICY) {
  return judgeOrigin(
    {
      method: "GET",
      isUpgrade: false,
      host: "localhost:9092",
      origin: undefined,
      fetchSite: undefined,
      fetchMode: undefined,
      fetchDest: undefined,
      ...request,
    },
    policy,
  );
}

describe.each([{ isUpgrade: true }, { isUpgrade: false }])("with an Origin, upgrade: $isUpgrade", ({ isUpgrade }) => {
  test.each([
    { name: "our own page", origin: "http://localhost:9092", host: "localhost:9092" },
    { name: "our own page by address", origin: "http://127.0.0.1:9092", host: "127.0.0.1:9092" },
    { name: "our own page by IPv6", origin: "http://[::1]:9092", host: "[::1]:9092" },
    { name: "our own page in other letters", origin: "http://localhost:9092", host: "LOCALHOST:9092" },
    { name: "our own page on a default port", origin: "https://kafka.example.com", host: "kafka.example.com" },
    {
      name: "our own page, default port written out",
      origin: "https://kafka.example.com",
      host: "kafka.example.com:443",
    },
    { name: "a listed origin", origin: "https://console.example.com", host: "localhost:9092" },
    { name: "a listed origin, whatever the host", origin: "http://localhost:3000", host: "10.0.0.1:9092" },
  ])("lets in $name", ({ origin, host }) => {
    expect(judge({ isUpgrade, origin, host }).allowed).toBe(true);
  });

  test.each([
    {
      name: "another site",
      origin: "https://evil.com",
      host: "localhost:9092",
      says: "allowed.origins=https://evil.com",
    },
    {
      name: "another port of this machine",
      origin: "http://localhost:5173",
      host: "localhost:9092",
      says: "allowed.origins",
    },
    { name: "a port more", origin: "http://localhost:9092", host: "localhost:9093", says: "allowed.origins" },
    {
      name: "the same machine by another name",
      origin: "http://localhost:9092",
      host: "127.0.0.1:9092",
      says: "allowed.origins",
    },
    {
      name: "a rebound name (DNS rebinding)",
      origin: "http://evil.com:9092",
      host: "evil.com:9092",
      says: "advertised.listeners",
    },
    {
      name: "a rebound name with a dot at its end",
      origin: "http://evil.com.:9092",
      host: "evil.com.:9092",
      says: "advertised.listeners",
    },
    {
      name: "a rebound name that begins like ours",
      origin: "http://localhost.evil.com",
      host: "localhost.evil.com",
      says: "advertised.listeners",
    },
    { name: "a sandboxed page or file", origin: "null", host: "localhost:9092", says: "allowed.origins=null" },
    { name: "an extension", origin: "chrome-extension://abc", host: "localhost:9092", says: "allowed.origins" },
    {
      name: "a listed host with another scheme",
      origin: "http://console.example.com",
      host: "localhost:9092",
      says: "allowed.origins",
    },
    { name: "no host at all", origin: "http://localhost:9092", host: undefined, says: "allowed.origins" },
    { name: "a host that is none", origin: "http://localhost:9092", host: "a b", says: "advertised.listeners" },
    {
      name: "an origin hidden in the host",
      origin: "http://evil.com",
      host: "evil.com@localhost",
      says: "allowed.origins",
    },
  ])("refuses $name", ({ origin, host, says }) => {
    const verdict = judge({ isUpgrade, origin, host });
    expect(verdict).toMatchObject({ allowed: false, reason: expect.stringContaining(says) });
  });
});

describe("without an Origin", () => {
  test("programs that are no browsers may", () => {
    expect(judge({}).allowed).toBe(true);
    expect(judge({ host: undefined }).allowed).toBe(true);
    expect(judge({ isUpgrade: true, host: "whatever.example:1" }).allowed).toBe(true);
  });

  test("a plain GET of a rebound page may not", () => {
    expect(judge({ host: "evil.com:9092" }).allowed).toBe(false);
    expect(judge({ host: "console.example.com" }).allowed).toBe(true);
    expect(judge({ host: "kafka.example.com.:9092" }).allowed).toBe(true);
  });

  test.each([
    { fetchSite: "same-origin", allowed: true },
    { fetchSite: "none", allowed: true },
    { fetchSite: "same-site", allowed: false },
    { fetchSite: "cross-site", allowed: false },
    { fetchSite: "cross-site", fetchMode: "no-cors", fetchDest: "image", allowed: false },
    { fetchSite: "cross-site", fetchMode: "no-cors", fetchDest: "script", allowed: false },
    { fetchSite: "cross-site", fetchMode: "navigate", fetchDest: "document", allowed: true },
    { fetchSite: "cross-site", fetchMode: "navigate", fetchDest: "iframe", allowed: false },
    { fetchSite: "cross-site", fetchMode: "navigate", fetchDest: "document", method: "POST", allowed: false },
  ])("$fetchSite $fetchMode $fetchDest $method: $allowed", ({ allowed, ...request }) => {
    expect(judge(request).allowed).toBe(allowed);
  });
});

test.each([
  { listed: "https://App.example.com/", origin: "https://app.example.com", allowed: true },
  { listed: "https://app.example.com:443", origin: "https://app.example.com", allowed: true },
  { listed: "chrome-extension://abc", origin: "chrome-extension://abc", allowed: true },
  { listed: "chrome-extension://abc", origin: "null", allowed: false },
  { listed: "null", origin: "null", allowed: true },
  { listed: "app.example.com", origin: "https://app.example.com", allowed: false },
])("allowed.origins=$listed and $origin: $allowed", ({ listed, origin, allowed }) => {
  expect(judge({ origin }, { ...POLICY, allowedOrigins: [listed] }).allowed).toBe(allowed);
});

test("* lets everyone in, and names the origin for CORS", () => {
  const open = { ...POLICY, allowedOrigins: ["*"] };
  expect(judge({ origin: "https://evil.com" }, open)).toEqual({ allowed: true, corsOrigin: "https://evil.com" });
  expect(judge({ host: "any.name" }, open).allowed).toBe(true);
  expect(judge({ origin: "http://localhost:9092" })).toEqual({ allowed: true });
});

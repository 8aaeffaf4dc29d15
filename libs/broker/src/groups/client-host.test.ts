import { describe, expect, it } from "vitest";
import { clientHostOf } from "./client-host.ts";

describe("clientHostOf", () => {
  it.each([
    ["127.0.0.1:55416", "/127.0.0.1"],
    ["[::1]:9092", "/::1"],
    ["::1", "/::1"],
    ["10.0.0.7", "/10.0.0.7"],
    ["client", "/client"],
    ["", "/"],
  ])("of %j is %j", (remoteAddress, host) => {
    expect(clientHostOf({ remoteAddress })).toBe(host);
  });
});

import { encode as encodeMessagePack } from "@msgpack/msgpack";
import { encode as encodeCbor } from "cborg";
import { describe, expect, it } from "vitest";
import { loadView, show } from "./views.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("a view of bytes", () => {
  it("finds out by itself what they are", () => {
    expect(show(bytes('{"a": [1, 2]}'), "auto", false)).toEqual({ text: '{"a":[1,2]}', as: "json" });
    expect(show(bytes("{ broken"), "auto", false)).toEqual({ text: "{ broken", as: "text" });
    expect(show(bytes("Příliš žluťoučký"), "auto", false)).toEqual({ text: "Příliš žluťoučký", as: "text" });
    expect(show(Uint8Array.of(0xff, 0xfe), "auto", false)).toEqual({ text: "fffe", as: "hex" });
    expect(show(Uint8Array.of(0, 0, 0, 7), "auto", false).as).toBe("hex");
    expect(show(null, "auto", false).as).toBe("null");
    expect(show(new Uint8Array(0), "auto", false).as).toBe("empty");
  });

  it("reads CBOR and MessagePack", async () => {
    await loadView("cbor");
    await loadView("msgpack");
    const value = { name: "Ottla", years: [1892, 1943] };
    expect(JSON.parse(show(encodeCbor(value), "cbor", false).text)).toEqual(value);
    expect(JSON.parse(show(encodeMessagePack(value), "msgpack", true).text)).toEqual(value);
  });

  it("says why it cannot, and shows hex", () => {
    expect(show(bytes("no"), "json", false)).toMatchObject({ as: "hex", text: "6e6f", problem: expect.any(String) });
  });

  it("writes hex in lines with offsets and characters, and no more than is bearable", () => {
    expect(show(bytes("Ottla of Prague!."), "hex", true).text).toBe(
      "00000000  4f 74 74 6c 61 20 6f 66 20 50 72 61 67 75 65 21  Ottla of Prague!\n" +
        "00000010  2e                                               .",
    );
    expect(show(new Uint8Array(10_000), "hex", true).text).toContain("… and 5904 bytes more");
  });
});

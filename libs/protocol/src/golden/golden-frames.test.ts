/** Frames that real clients and brokers sent decode, and encode to the same bytes. See fixtures/README.md. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { ByteReader } from "../bytes/byte-reader.ts";
import { concatBytes } from "../bytes/byte-writer.ts";
import { apisByKey, requestHeaderVersionOf } from "../messages/all.ts";
import { decodeRequestHeader, decodeResponse, encodeRequest, encodeResponse } from "../messages/frame.ts";
import { responseHeader } from "../messages/header.ts";
import type { ApiDefinition } from "../schema/api.ts";

const FOLDER = resolve(import.meta.dirname, "../../fixtures/golden");

interface GoldenFrame {
  readonly direction: "request" | "response";
  readonly apiKey: number;
  readonly version: number;
  /** The frame without its length. */
  readonly hex: string;
}

interface GoldenCapture {
  readonly client: string;
  readonly peer: string;
  readonly frames: readonly GoldenFrame[];
}

const captures = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".json"))
  .map((file) => JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as GoldenCapture);

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Without the length, which must be right. */
function unframed(chunks: readonly Uint8Array[]): Uint8Array {
  const frame = concatBytes(chunks);
  expect(new ByteReader(frame).readInt32()).toBe(frame.length - 4);
  return frame.subarray(4);
}

function checkRequest(api: ApiDefinition, version: number, frame: Uint8Array): void {
  const { header, body } = decodeRequestHeader(frame, requestHeaderVersionOf);
  expect(header).toMatchObject({ requestApiKey: api.key, requestApiVersion: version });
  const value = api.request.decode(body, version);
  expect(body.remaining).toBe(0);
  const { correlationId, clientId } = header;
  const again = encodeRequest(api, version, { correlationId, clientId }, value as never);
  expect(hexOf(unframed(again))).toBe(hexOf(frame));
}

function checkResponse(api: ApiDefinition, version: number, frame: Uint8Array): void {
  const reader = new ByteReader(frame);
  const { correlationId } = responseHeader.decode(reader, api.responseHeaderVersion(version));
  const value = api.response.decode(reader, version);
  expect(reader.remaining).toBe(0);
  expect(decodeResponse(api, version, frame)).toEqual(value);
  const again = encodeResponse(api, version, correlationId, value as never);
  expect(hexOf(unframed(again))).toBe(hexOf(frame));
}

describe.each(captures)("$client with $peer", ({ frames }) => {
  const named = frames.map((frame) => {
    const api = apisByKey.get(frame.apiKey);
    return [`${api?.name ?? frame.apiKey} v${frame.version} ${frame.direction}`, frame, api] as const;
  });

  test.each(named)("%s", (_, { direction, version, hex }, api) => {
    expect(api).toBeDefined();
    const frame = Uint8Array.from(Buffer.from(hex, "hex"));
    if (direction === "request") checkRequest(api!, version, frame);
    else checkResponse(api!, version, frame);
  });
});

test("there are captures of the Java clients, librdkafka and kafkajs", () => {
  const clients = captures.map(({ client }) => client).join();
  for (const name of ["Java", "librdkafka", "kafkajs"]) expect(clients).toContain(name);
});

import { readdirSync, readFileSync } from "node:fs";
import { type ApiDefinition, concatBytes, decodeRequestHeader, encodeRequest } from "@ottla/protocol";
import { apisByKey, requestHeaderVersionOf } from "@ottla/protocol/internal";

/** A request that some client sent, or could have: without its size prefix. */
export interface Seed {
  readonly api: ApiDefinition;
  readonly version: number;
  readonly frame: Uint8Array;
  /** Where its first record batch begins, if it has one. */
  readonly batchAt: number | null;
}

/** An API that the broker advertises. */
export interface Advertised {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** What requests are pointed at, so that they get further than to a topic that does not exist. */
export interface Target {
  readonly topic: string;
  readonly topicId: string;
}

const GOLDEN = new URL("../../../libs/protocol/fixtures/golden/", import.meta.url);
const CORRELATION_ID = 7;
const BATCH_HEADER_BYTES = 61;

/**
 * Requests of every advertised API and version: what real clients sent (the golden frames), said again in each version
 * that can say it, and a minimal request where no client's can.
 */
export function corpusFor(advertised: readonly Advertised[], target: Target): Seed[] {
  const captured = capturedRequests();
  return advertised.flatMap(({ apiKey, minVersion, maxVersion }) => {
    const api = apisByKey.get(apiKey);
    if (api === undefined) throw new Error(`API ${apiKey} is advertised, and not declared`);
    const versions = Array.from({ length: maxVersion - minVersion + 1 }, (_, i) => minVersion + i);
    return versions
      .filter((version) => version >= api.validVersions.min)
      .flatMap((version) => {
        const bodies = [
          ...(captured.get(apiKey) ?? []).map((body) => pointedAt(target, body)),
          sampleOf(api.request.fields, target),
        ];
        const frames = bodies.map((body) => tryEncode(api, version, body)).filter((frame) => frame !== null);
        if (frames.length === 0) throw new Error(`no request of ${api.name} v${version}`);
        return frames.map((frame) => ({ api, version, frame, batchAt: batchPosition(api, frame) }));
      });
  });
}

/** Bodies of the golden requests, by API. */
function capturedRequests(): Map<number, unknown[]> {
  const bodies = new Map<number, unknown[]>();
  for (const file of readdirSync(GOLDEN).filter((name) => name.endsWith(".json"))) {
    const { frames } = JSON.parse(readFileSync(new URL(file, GOLDEN), "utf8"));
    for (const { direction, apiKey, version, hex } of frames) {
      const api = apisByKey.get(apiKey);
      if (direction !== "request" || api === undefined) continue;
      const { body } = decodeRequestHeader(new Uint8Array(Buffer.from(hex, "hex")), requestHeaderVersionOf);
      bodies.set(apiKey, [...(bodies.get(apiKey) ?? []), api.request.decode(body, version)]);
    }
  }
  return bodies;
}

/** Offset 16 of a batch holds its magic; before it are the base offset (0, as clients send it), length and epoch. */
function batchPosition(api: ApiDefinition, frame: Uint8Array): number | null {
  if (api.name !== "Produce") return null;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  for (let at = 0; at + BATCH_HEADER_BYTES <= frame.length; at++) {
    const lengthBytes = view.getInt32(at + 8);
    const fits = lengthBytes >= BATCH_HEADER_BYTES - 12 && at + 12 + lengthBytes <= frame.length;
    if (view.getBigInt64(at) === 0n && fits && view.getInt8(at + 16) === 2) return at;
  }
  return null;
}

function tryEncode(api: ApiDefinition, version: number, body: unknown): Uint8Array | null {
  try {
    const header = { correlationId: CORRELATION_ID, clientId: "fuzzer" };
    return concatBytes(encodeRequest(api, version, header, body as never)).subarray(4);
  } catch {
    return null; // this version cannot say it
  }
}

/** The same with the target's name and id for every topic. */
function pointedAt(target: Target, value: unknown, inTopic = false): unknown {
  if (value instanceof Uint8Array || value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((element) => pointedAt(target, element, inTopic));
  const entries = Object.entries(value).map(([name, member]): [string, unknown] => {
    if (name === "topicId") return [name, target.topicId];
    if (name === "topic" || name === "topicName" || (name === "name" && inTopic)) return [name, target.topic];
    return [name, pointedAt(target, member, /topic/i.test(name))];
  });
  return Object.fromEntries(entries);
}

type Specs = ApiDefinition["request"]["fields"];

/** A request with one element in each array, and a value in each field. */
function sampleOf(fields: Specs, target: Target): unknown {
  const value = Object.entries(fields).map(([name, spec]) => [name, sampleOfField(spec, target)]);
  return pointedAt(target, Object.fromEntries(value));
}

function sampleOfField(spec: Specs[string], target: Target): unknown {
  if (spec.tag !== undefined || spec.versions !== undefined) return undefined; // its default: every version has that
  if (spec.type === "struct") return sampleOf(spec.fields!, target);
  if (spec.type === "array") return [sampleOfField({ ...spec.element!, versions: undefined } as Specs[string], target)];
  if (spec.type === "string") return "fuzz";
  if (spec.type === "bytes" || spec.type === "records") return new Uint8Array(8);
  if (spec.type === "uuid") return target.topicId;
  if (spec.type === "bool") return true;
  if (spec.type === "bigint64") return 1n;
  return 1;
}

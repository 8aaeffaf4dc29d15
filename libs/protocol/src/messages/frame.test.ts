import { describe, expect, test } from "vitest";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter, concatBytes } from "../bytes/byte-writer.ts";
import { ErrorCode } from "../errors/error-code.ts";
import { InvalidValueError, MalformedFrameError, UnsupportedVersionError } from "../errors/protocol-error.ts";
import { requestHeaderVersionOf } from "./all.ts";
import { apiVersionsApi } from "./api-versions.ts";
import { fetchApi } from "./fetch.ts";
import { correlationIdOf, decodeRequestHeader, decodeResponse, encodeRequest, encodeResponse } from "./frame.ts";
import { requestHeader } from "./header.ts";
import { heartbeatApi } from "./heartbeat.ts";
import { metadataApi } from "./metadata.ts";
import { produceApi } from "./produce.ts";

const hex = (chunks: readonly Uint8Array[]) => Buffer.from(concatBytes(chunks)).toString("hex");
const bytes = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const noHex = (text: string) => text.replaceAll(" ", "");

const heartbeat = { groupId: "g", generationId: 1, memberId: "m", groupInstanceId: null };

describe("request headers", () => {
  test("v1 before an old version", () => {
    const chunks = encodeRequest(heartbeatApi, 0, { correlationId: 5, clientId: "me" }, { ...heartbeat });
    expect(hex(chunks)).toBe(noHex("00000016 000c 0000 00000005 0002 6d65 0001 67 00000001 0001 6d"));
  });

  test("v2 before a flexible version; the client id keeps its old encoding", () => {
    const chunks = encodeRequest(heartbeatApi, 4, { correlationId: 5, clientId: "me" }, heartbeat);
    expect(hex(chunks)).toBe(noHex("00000017 000c 0004 00000005 0002 6d65 00 02 67 00000001 02 6d 00 00"));
  });

  test("a client need not name itself", () => {
    const frame = bytes("000c 0004 00000005 ffff 00 0267 00000001 026d 00 00");
    const { header, body } = decodeRequestHeader(frame, requestHeaderVersionOf);
    expect(header).toEqual({ requestApiKey: 12, requestApiVersion: 4, correlationId: 5, clientId: null });
    expect(heartbeatApi.request.decode(body, 4)).toEqual(heartbeat);
  });

  test("unknown tagged fields in a header are kept", () => {
    const frame = bytes("000c 0004 00000005 ffff 01 07 02 abcd 0267 00000001 026d 00 00");
    const { header } = decodeRequestHeader(frame, requestHeaderVersionOf);
    expect(header.unknownTaggedFields).toEqual([{ tag: 7, data: Uint8Array.of(0xab, 0xcd) }]);
    const writer = new ByteWriter();
    requestHeader.encode(writer, header, 2);
    expect(writer.toUint8Array()).toEqual(frame.subarray(0, 15));
  });

  test.each(["", "00", "000c00", "000c0004000000", "000c0004000000050005"])("a frame of %j is refused", (text) => {
    expect(() => decodeRequestHeader(bytes(text), requestHeaderVersionOf)).toThrow(MalformedFrameError);
  });

  test("an API that does not exist is refused", () => {
    expect(() => decodeRequestHeader(bytes("7fff 0000 00000001 ffff"), requestHeaderVersionOf)).toThrow(/key 32767/);
  });

  test.each([
    ["ApiVersions", 18, [1, 1, 1, 2, 2]],
    ["Metadata", 3, [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]],
    ["SaslHandshake", 17, [1, 1]],
    ["a version yet to come", 18, Object.assign([], { 99: 2 })],
  ])("version for %s", (_, key, versions) => {
    for (const version of Object.keys(versions).map(Number)) {
      expect(requestHeaderVersionOf(key, version)).toBe(versions[version]);
    }
  });
});

describe("response headers", () => {
  const throttled = { throttleTimeMs: 1, errorCode: 0 };

  test("v0 and v1", () => {
    expect(hex(encodeResponse(heartbeatApi, 1, 9, throttled))).toBe(noHex("0000000a 00000009 00000001 0000"));
    expect(hex(encodeResponse(heartbeatApi, 4, 9, throttled))).toBe(noHex("0000000c 00000009 00 00000001 0000 00"));
  });

  test("the correlation id is there without decoding", () => {
    expect(correlationIdOf(bytes("00000009 00 00"))).toBe(9);
    expect(() => correlationIdOf(bytes("000000"))).toThrow(MalformedFrameError);
  });

  test.each([0, 1, 2, 3, 4])("that of ApiVersions v%d is always v0", (version) => {
    expect(apiVersionsApi.responseHeaderVersion(version)).toBe(0);
    const body = { errorCode: 0, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] };
    const frame = concatBytes(encodeResponse(apiVersionsApi, version, 9, body)).subarray(4);
    expect(Buffer.from(frame.subarray(0, 6)).toString("hex")).toBe("000000090000");
    expect(decodeResponse(apiVersionsApi, version, frame)).toMatchObject(body);
  });

  test("ApiVersions in a version that is too high is answered with the body of v0", () => {
    const apiKeys = [{ apiKey: 18, minVersion: 0, maxVersion: 4 }];
    const answer = { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys };
    const frame = concatBytes(encodeResponse(apiVersionsApi, 0, 9, answer)).subarray(4);
    expect(Buffer.from(frame).toString("hex")).toBe(noHex("00000009 0023 00000001 0012 0000 0004"));
  });
});

describe("frames are gathered, not copied", () => {
  const batch = new Uint8Array(5000).fill(1);

  test("records of a request and of a response are referenced", () => {
    const topicData = [{ name: "t", partitionData: [{ index: 0, records: batch }] }];
    const request = { transactionalId: null, acks: -1, timeoutMs: 1, topicData };
    expect(encodeRequest(produceApi, 9, { correlationId: 1, clientId: null }, request)).toContain(batch);
    const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 1, abortedTransactions: null };
    const partitions = [{ ...partition, records: [batch, batch] }];
    const chunks = encodeResponse(fetchApi, 12, 1, { throttleTimeMs: 0, responses: [{ topic: "t", partitions }] });
    expect(chunks.filter((chunk) => chunk === batch)).toHaveLength(2);
    const frame = concatBytes(chunks).subarray(4);
    const [decoded] = decodeResponse(fetchApi, 12, frame).responses[0]!.partitions;
    expect(decoded!.records).toHaveLength(10_000);
    expect(decoded!.records!.buffer).toBe(frame.buffer);
  });
});

describe("what cannot be sent is refused with a reason", () => {
  const context = { correlationId: 1, clientId: null };

  test("a version that does not exist", () => {
    const act = () => encodeRequest(metadataApi, 14, context, { topics: null });
    expect(act).toThrow(UnsupportedVersionError);
    expect(act).toThrow("MetadataRequest has no version 14, only 0-13");
  });

  test("a member that the version does not have", () => {
    const act = () => encodeRequest(metadataApi, 3, context, { topics: null, allowAutoTopicCreation: false });
    expect(act).toThrow(UnsupportedVersionError);
    expect(act).toThrow(/allowAutoTopicCreation/);
  });

  test("null where the version does not allow it", () => {
    const act = () => encodeRequest(metadataApi, 0, context, { topics: null });
    expect(act).toThrow(InvalidValueError);
    expect(act).toThrow("MetadataRequest v0: topics: null where null is not allowed");
  });

  test("a value out of range, or of another type", () => {
    const body = { ...heartbeat, generationId: 2 ** 31 };
    expect(() => encodeRequest(heartbeatApi, 0, context, body)).toThrow(
      "HeartbeatRequest v0: generationId: 2147483648 is not an int32",
    );
    const wrong = { ...heartbeat, groupId: 5 as unknown as string };
    expect(() => encodeRequest(heartbeatApi, 0, context, wrong)).toThrow(InvalidValueError);
  });
});

test("an error in reading says where", () => {
  const body = new ByteReader(bytes("00000001 0000 00000005 0003 61"));
  expect(() => metadataApi.response.decode(body, 3)).toThrow(/^MetadataResponse v3: /);
  const request = new ByteReader(bytes("00000002 0001 61 0003 62"));
  expect(() => metadataApi.request.decode(request, 1)).toThrow(
    "MetadataRequest v1: topics: name: 3 bytes are needed where 1 are left",
  );
});

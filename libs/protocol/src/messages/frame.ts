import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { MalformedFrameError } from "../errors/protocol-error.ts";
import type { ApiDefinition, RequestInput, ResponseInput, ResponseOf } from "../schema/api.ts";
import type { AnyMessage } from "../schema/message.ts";
import { type RequestHeader, requestHeader, responseHeader } from "./header.ts";

/** Size of the length before every frame. */
export const FRAME_LENGTH_BYTES = 4;

type AnyApi = ApiDefinition<AnyMessage, AnyMessage>;

/** What a client adds to a request. */
export interface RequestContext {
  /** Comes back with the response. */
  readonly correlationId: number;
  /** Names the client in the broker's logs and quotas. */
  readonly clientId: string | null;
}

/**
 * A whole request, its length in front, as chunks for one gathered write.
 * Large byte members are referenced: they must not change until the chunks are sent.
 */
export function encodeRequest<A extends AnyApi>(
  api: A,
  version: number,
  context: RequestContext,
  body: RequestInput<A>,
): Uint8Array[] {
  const writer = new ByteWriter();
  writer.writeInt32(0);
  const header = { requestApiKey: api.key, requestApiVersion: version, ...context };
  requestHeader.encode(writer, header, api.requestHeaderVersion(version));
  api.request.encode(writer, body as never, version);
  return finishFrame(writer);
}

/** A whole response, its length in front, as chunks for one gathered write; see {@link encodeRequest}. */
export function encodeResponse<A extends AnyApi>(
  api: A,
  version: number,
  correlationId: number,
  body: ResponseInput<A>,
): Uint8Array[] {
  const writer = new ByteWriter();
  writer.writeInt32(0);
  responseHeader.encode(writer, { correlationId }, api.responseHeaderVersion(version));
  api.response.encode(writer, body as never, version);
  return finishFrame(writer);
}

/** The length was left open at the start of the first chunk. */
function finishFrame(writer: ByteWriter): Uint8Array[] {
  const sizeBytes = writer.sizeBytes - FRAME_LENGTH_BYTES;
  const chunks = writer.finish();
  const first = chunks[0]!;
  first[0] = sizeBytes >> 24;
  first[1] = sizeBytes >> 16;
  first[2] = sizeBytes >> 8;
  first[3] = sizeBytes;
  return chunks;
}

/** The header of a request, and a reader that stands at its body. */
export interface DecodedRequestHeader {
  readonly header: RequestHeader;
  readonly body: ByteReader;
}

/**
 * Reads the header of a request.
 * @param frame the request without the length in front
 * @param headerVersionOf the header's version for an API key and version (`ApiDefinition.requestHeaderVersion`)
 * @throws MalformedFrameError when the frame is too short, or `headerVersionOf` does not know the API
 */
export function decodeRequestHeader(
  frame: Uint8Array,
  headerVersionOf: (apiKey: number, apiVersion: number) => number | undefined,
): DecodedRequestHeader {
  const body = new ByteReader(frame);
  const apiKey = body.readInt16();
  const headerVersion = headerVersionOf(apiKey, body.readInt16());
  if (headerVersion === undefined) throw new MalformedFrameError(`there is no API with key ${apiKey}`);
  body.offset = 0;
  return { header: requestHeader.decode(body, headerVersion), body };
}

/** The correlation id of a response frame (without the length in front), by which its request is found. */
export function correlationIdOf(frame: Uint8Array): number {
  return new ByteReader(frame).readInt32();
}

/**
 * The body of a response.
 * @param frame the response without the length in front
 * @param version the version of the request that it answers
 */
export function decodeResponse<A extends AnyApi>(api: A, version: number, frame: Uint8Array): ResponseOf<A> {
  const reader = new ByteReader(frame);
  responseHeader.decode(reader, api.responseHeaderVersion(version));
  return api.response.decode(reader, version) as ResponseOf<A>;
}

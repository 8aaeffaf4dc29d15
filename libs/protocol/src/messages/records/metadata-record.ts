import { ByteReader } from "../../bytes/byte-reader.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import { MalformedFrameError } from "../../errors/protocol-error.ts";
import type { AnyMessage, Infer, Message } from "../../schema/message.ts";

/** The one version of the frame around every metadata record. */
const FRAME_VERSION = 1;

/** A kind of record in `__cluster_metadata`. */
export interface MetadataRecord<M extends AnyMessage = AnyMessage> {
  /** Kafka's number of the kind. */
  readonly type: number;
  readonly message: M;
}

/** What decoding a kind of metadata record gives. */
export type MetadataRecordOf<R> = R extends MetadataRecord<infer M> ? Infer<M> : never;

/** Declares a kind of metadata record. */
/*#__NO_SIDE_EFFECTS__*/
export function metadataRecord<Out, In>(type: number, message: Message<Out, In>): MetadataRecord<Message<Out, In>> {
  return { type, message };
}

/** The value of a record in `__cluster_metadata`: frame version, type and version as varints, then the message. */
export function encodeMetadataRecord<Out, In>(
  record: MetadataRecord<Message<Out, In>>,
  value: In,
  version: number,
): Uint8Array {
  const writer = new ByteWriter();
  writer.writeUnsignedVarint(FRAME_VERSION);
  writer.writeUnsignedVarint(record.type);
  writer.writeUnsignedVarint(version);
  record.message.encode(writer, value, version);
  return writer.toUint8Array();
}

/** What stands before the message in the value of a metadata record. */
export interface MetadataRecordFrame {
  readonly type: number;
  readonly version: number;
  /** Stands at the message. */
  readonly body: ByteReader;
}

/**
 * Reads the frame around a metadata record.
 * The message is then read by `message.decode(frame.body, frame.version)` of the record with this type.
 */
export function readMetadataRecordFrame(bytes: Uint8Array): MetadataRecordFrame {
  const body = new ByteReader(bytes);
  const frameVersion = body.readUnsignedVarint();
  if (frameVersion !== FRAME_VERSION) {
    throw new MalformedFrameError(
      `a metadata record has frame version ${frameVersion}, only ${FRAME_VERSION} is known`,
    );
  }
  return { type: body.readUnsignedVarint(), version: body.readUnsignedVarint(), body };
}

import type { ByteReader } from "../bytes/byte-reader.ts";
import type { Bytes, ByteWriter } from "../bytes/byte-writer.ts";
import { InvalidValueError, MalformedFrameError } from "../errors/protocol-error.ts";
import type { SizedCodec } from "./codec.ts";
import type { FieldType } from "./field.ts";

type FixedType = Exclude<FieldType, "string" | "bytes" | "records" | "array" | "struct">;

/** Codecs of the types whose encoding is the same in every version. */
export const fixedCodecs: Readonly<Record<FixedType, SizedCodec>> = {
  int8: { sizeBytesMin: 1, read: (r) => r.readInt8(), write: (w, v) => w.writeInt8(v as number) },
  int16: { sizeBytesMin: 2, read: (r) => r.readInt16(), write: (w, v) => w.writeInt16(v as number) },
  uint16: { sizeBytesMin: 2, read: (r) => r.readUint16(), write: (w, v) => w.writeUint16(v as number) },
  int32: { sizeBytesMin: 4, read: (r) => r.readInt32(), write: (w, v) => w.writeInt32(v as number) },
  uint32: { sizeBytesMin: 4, read: (r) => r.readUint32(), write: (w, v) => w.writeUint32(v as number) },
  int64: { sizeBytesMin: 8, read: (r) => r.readInt64(), write: (w, v) => w.writeInt64(v as number) },
  bigint64: { sizeBytesMin: 8, read: (r) => r.readBigInt64(), write: (w, v) => w.writeBigInt64(v as bigint) },
  float64: { sizeBytesMin: 8, read: (r) => r.readFloat64(), write: (w, v) => w.writeFloat64(v as number) },
  bool: { sizeBytesMin: 1, read: (r) => r.readBoolean(), write: (w, v) => w.writeBoolean(v as boolean) },
  uuid: { sizeBytesMin: 16, read: (r) => r.readUuid(), write: (w, v) => w.writeUuid(v as string) },
};

/** Whether `type` has one encoding in every version. */
export function isFixedType(type: FieldType): type is FixedType {
  return Object.hasOwn(fixedCodecs, type);
}

const readString = (r: ByteReader) => r.readNullableString();
const writeString = (w: ByteWriter, v: unknown) => w.writeNullableString(v as string | null);
const readCompactString = (r: ByteReader) => r.readCompactNullableString();
const writeCompactString = (w: ByteWriter, v: unknown) => w.writeCompactNullableString(v as string | null);

/** Codec of a string. */
export function stringCodec(compact: boolean, nullable: boolean): SizedCodec {
  const codec: SizedCodec = compact
    ? { sizeBytesMin: 1, read: readCompactString, write: writeCompactString }
    : { sizeBytesMin: 2, read: readString, write: writeString };
  return nullable ? codec : notNull(codec);
}

const readBytes = (r: ByteReader) => r.readNullableBytes();
const writeBytes = (w: ByteWriter, v: unknown) => w.writeNullableBytes(v as Bytes | null);
const readCompactBytes = (r: ByteReader) => r.readCompactNullableBytes();
const writeCompactBytes = (w: ByteWriter, v: unknown) => w.writeCompactNullableBytes(v as Bytes | null);

/** Codec of bytes and of records. */
export function bytesCodec(compact: boolean, nullable: boolean): SizedCodec {
  const codec: SizedCodec = compact
    ? { sizeBytesMin: 1, read: readCompactBytes, write: writeCompactBytes }
    : { sizeBytesMin: 4, read: readBytes, write: writeBytes };
  return nullable ? codec : notNull(codec);
}

/** Refuses null in both directions. */
function notNull({ read, write, sizeBytesMin }: SizedCodec): SizedCodec {
  return {
    sizeBytesMin,
    read(reader) {
      const value = read(reader);
      if (value === null) throw new MalformedFrameError("null where null is not allowed");
      return value;
    },
    write(writer, value) {
      if (value === null) throw new InvalidValueError("null where null is not allowed");
      write(writer, value);
    },
  };
}

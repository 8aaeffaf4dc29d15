import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { InvalidValueError, MalformedFrameError } from "../errors/protocol-error.ts";

/** Turns values into bytes and back; made for one type in one version. */
export interface Codec<Out = unknown, In = Out> {
  /** Reads one value; throws MalformedFrameError. */
  read(reader: ByteReader): Out;
  /** Writes one value; throws InvalidValueError or UnsupportedVersionError. */
  write(writer: ByteWriter, value: In): void;
}

/** A codec that knows how little room a value can take, which bounds the arrays made of it. */
export interface SizedCodec extends Codec {
  readonly sizeBytesMin: number;
}

/** `error` with the place added; what is no error of ours came from a value of the wrong type. */
export function locateError(error: unknown, where: string): unknown {
  if (error instanceof MalformedFrameError || error instanceof InvalidValueError) return error.within(where);
  if (error instanceof TypeError) return new InvalidValueError(`${where}: ${error.message}`, error);
  return error;
}

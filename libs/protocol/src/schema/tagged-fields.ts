import type { ByteReader } from "../bytes/byte-reader.ts";
import { MalformedFrameError } from "../errors/protocol-error.ts";
import { locateError } from "./codec.ts";
import type { UnknownTaggedField } from "./field.ts";
import type { FieldPlan } from "./struct-codec.ts";

/** A tagged field takes a tag and a size, at the least. */
const TAGGED_SIZE_BYTES_MIN = 2;

/** Reads `count` tagged fields into `value`: the declared ones by name, the others as they are. */
export function readTaggedFields(
  reader: ByteReader,
  count: number,
  declared: readonly FieldPlan[],
  value: Record<string, unknown>,
): void {
  if (count * TAGGED_SIZE_BYTES_MIN > reader.remaining) {
    throw new MalformedFrameError(`${count} tagged fields cannot fit in the ${reader.remaining} bytes left`);
  }
  const unknown: UnknownTaggedField[] = [];
  for (let index = 0; index < count; index++) {
    const tag = reader.readUnsignedVarint();
    const sizeBytes = reader.readUnsignedVarint();
    const plan = declared.find((candidate) => candidate.tag === tag);
    if (plan === undefined) unknown.push({ tag, data: reader.readView(sizeBytes)! });
    else value[plan.name] = readDeclared(reader, sizeBytes, plan);
  }
  if (unknown.length > 0) value.unknownTaggedFields = unknown;
}

/** A tagged field ends exactly where its size says. */
function readDeclared(reader: ByteReader, sizeBytes: number, { name, tag, codec }: FieldPlan): unknown {
  const outerEnd = reader.end;
  const fieldEnd = reader.skip(sizeBytes) + sizeBytes;
  reader.offset = fieldEnd - sizeBytes;
  reader.end = fieldEnd;
  let value: unknown;
  try {
    value = codec!.read(reader);
  } catch (error) {
    throw locateError(error, name);
  }
  if (reader.offset !== fieldEnd) {
    throw new MalformedFrameError(`tagged field ${tag} (${name}) is shorter than its size of ${sizeBytes} bytes`);
  }
  reader.end = outerEnd;
  return value;
}

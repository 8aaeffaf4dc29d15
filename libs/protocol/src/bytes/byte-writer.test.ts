import { expect, test } from "vitest";
import { InvalidValueError } from "../errors/protocol-error.ts";
import { ByteWriter } from "./byte-writer.ts";

test("a value of the wrong type is refused, and spoils nothing for other writers", () => {
  const writer = new ByteWriter();
  writer.writeInt8(1);
  for (const write of [
    () => writer.writeNullableString(5 as never),
    () => writer.writeCompactNullableString(5 as never),
  ]) {
    expect(write).toThrow(InvalidValueError);
  }
  const other = new ByteWriter();
  other.writeInt16(258);
  expect([...other.toUint8Array()]).toEqual([1, 2]);
});

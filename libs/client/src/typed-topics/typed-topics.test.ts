import type { KafkaError } from "@ottla/protocol";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { bytes, double, type Format, integer, json, long, nullable, string } from "./formats.ts";
import { SchemaError, type StandardSchema } from "./standard-schema.ts";
import { topic } from "./topic.ts";

const Order = z.object({ id: z.string(), amount: z.number().positive(), note: z.string().default("none") });
const orders = topic("orders", { key: string(), value: json(Order) });
const encode = (text: string) => new TextEncoder().encode(text);

function stored(value: string | null, key: string | null = "k1") {
  const asBytes = (text: string | null) => (text === null ? null : encode(text));
  return { topic: "orders", partition: 3, offset: 42, keyBytes: asBytes(key), valueBytes: asBytes(value) };
}

function errorOf(call: () => unknown): KafkaError {
  try {
    call();
  } catch (error) {
    return error as KafkaError;
  }
  return expect.unreachable("it did not throw");
}

describe("a typed topic", () => {
  test("writes what its schema accepts, as it was given, and keeps the rest of the record", () => {
    const record = orders.record({ key: "k1", value: { id: "a", amount: 3 }, partition: 1, headers: { h: "1" } });
    expect(record).toEqual({
      ...{ topic: "orders", key: "k1", value: '{"id":"a","amount":3}', partition: 1 },
      headers: { h: "1" },
    });
  });

  test("refuses to write anything else, and says what is wrong with it", () => {
    const error = errorOf(() => orders.record({ key: "k1", value: { id: "a", amount: -1 } }));
    expect(error.code).toBe("SERIALIZATION_FAILED");
    expect(error.message).toContain('The value of a record for "orders" cannot be written: amount:');
    expect(error.cause).toBeInstanceOf(SchemaError);
    // @ts-expect-error a number is no key
    expect(errorOf(() => orders.record({ key: 1, value: { id: "a", amount: 1 } })).message).toContain("string");
    // @ts-expect-error the key is missing
    expect(errorOf(() => orders.record({ value: { id: "a", amount: 1 } })).message).toContain("null");
  });

  test("reads what its schema makes of the bytes", () => {
    const { key, value } = orders.read(stored('{"id":"a","amount":3,"more":1}'));
    expectTypeOf(value).toEqualTypeOf<{ id: string; amount: number; note: string }>();
    expectTypeOf(key).toEqualTypeOf<string>();
    expect({ key, value }).toEqual({ key: "k1", value: { id: "a", amount: 3, note: "none" } });
  });

  test.each([
    ["not JSON", "{", "JSON"],
    ["not what the schema wants", '{"id":1,"amount":3}', "id: "],
    ["a tombstone", null, "nullable"],
  ])("says where a record lies that is %s", (_, value, reason) => {
    const error = errorOf(() => orders.read(stored(value)));
    expect(error.code).toBe("DESERIALIZATION_FAILED");
    expect(error.message).toContain("The value of the record in orders-3 at offset 42 cannot be read: ");
    expect(error.message).toContain(reason);
  });

  test("without a format of its own the key is bytes, and may be left out", () => {
    const plain = topic("plain", { value: nullable(json<{ a: number }>()) });
    expect(plain.record({ value: null })).toEqual({ topic: "plain", key: null, value: null });
    expect(plain.record({ key: Uint8Array.of(1), value: { a: 1 } }).key).toEqual(Uint8Array.of(1));
    expectTypeOf(plain.read(stored(null)).key).toEqualTypeOf<Uint8Array | null>();
    expect(plain.read(stored(null)).value).toBeNull();
  });

  test("a schema that has to be waited for is refused", () => {
    const later = topic("later", { value: json(z.string().refine(async () => true)) });
    expect(errorOf(() => later.record({ value: "v" })).code).toBe("SERIALIZATION_FAILED");
    const standard: StandardSchema<string> = {
      "~standard": { version: 1, vendor: "test", validate: async (value) => ({ value: value as string }) },
    };
    const error = errorOf(() => topic("later", { value: json(standard) }).record({ value: "v" }));
    expect(error.message).toContain("asynchronously");
  });
});

describe("formats", () => {
  const written = <T>(format: Format<T>, value: T) => {
    const data = format.write(value);
    return typeof data === "string" ? encode(data) : data;
  };

  test.each([
    ["string", string() as Format<unknown>, "ключ"],
    ["bytes", bytes() as Format<unknown>, Uint8Array.of(0, 255)],
    ["integer", integer() as Format<unknown>, -7],
    ["long", long() as Format<unknown>, 2n ** 40n],
    ["double", double() as Format<unknown>, 0.1],
    ["json", json() as Format<unknown>, { a: [1, null] }],
    ["nullable", nullable(integer()) as Format<unknown>, null],
  ])("%s reads what it writes", (_, format, value) => {
    expect(format.read(written(format, value))).toEqual(value);
  });

  test.each([
    ["text that is none", () => string().read(Uint8Array.of(0xff))],
    ["a number that is none", () => integer().read(Uint8Array.of(1, 2))],
    ["null", () => long().read(null)],
    ["a fraction", () => integer().write(1.5)],
    ["more than 32 bits", () => integer().write(2 ** 31)],
    ["more than 64 bits", () => long().write(2n ** 63n)],
    ["a function as JSON", () => json().write(() => {})],
    ["an object as bytes", () => bytes().write({} as Uint8Array)],
  ])("refuses %s", (_, call) => {
    expect(call).toThrow();
  });
});

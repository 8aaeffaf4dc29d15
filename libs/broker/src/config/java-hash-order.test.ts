import { describe, expect, it } from "vitest";
import { javaHashOrder, javaStringHash } from "./java-hash-order.ts";

describe("the order of a Java HashMap", () => {
  it.each([
    ["", 0],
    ["user", 3599307],
    ["client-id", -1904137635],
  ])("hashes %j as Java", (text, hash) => {
    expect(javaStringHash(text)).toBe(hash);
  });

  it("is by place in a table that grows with what it holds", () => {
    const identity = (value: number) => value;
    expect(javaHashOrder([17, 3, 1, 16], identity)).toEqual([16, 17, 1, 3]);
    expect(javaHashOrder([3, 2, 1], identity, 0)).toEqual([1, 2, 3]);
    expect(javaHashOrder([4, 1], identity, 0)).toEqual([4, 1]);
    expect(javaHashOrder([5, 1, 2, 3], identity, 0)).toEqual([1, 2, 3, 5]);
    const many = Array.from({ length: 13 }, (_, index) => 16 * index);
    expect(javaHashOrder(many, identity).slice(0, 4)).toEqual([0, 32, 64, 96]);
  });

  it("takes high bits of a hash in", () => {
    expect(javaHashOrder([0x10000, 0], (value) => value)).toEqual([0, 0x10000]);
  });
});

import { describe, expect, it } from "vitest";
import { holds, JsonPathError, parseJsonCondition } from "./json-path.ts";

const ORDER = {
  id: 7,
  customer: { name: "Felice", "e mail": "felice@example.com" },
  items: [{ price: 5 }, { price: 12.5 }],
  paid: false,
  note: null,
};

describe("a condition on JSON", () => {
  it.each([
    ["id", true],
    ["$.id = 7", true],
    ["id = 8", false],
    ["id != 8", true],
    ["missing", false],
    ["missing != 8", false],
    ["customer.name = Felice", true],
    ["customer.name = 'Felice'", true],
    ['customer.name ~ "lic"', true],
    ['customer["e mail"] ~ EXAMPLE', true],
    ["items[1].price > 12", true],
    ["items[0].price > 12", false],
    ["items[*].price >= 12.5", true],
    ["items[*].price < 5", false],
    ["paid = false", true],
    ["note = null", true],
    ["customer.name > A", true],
    ["id > A", false],
    ["customer", true],
  ])("%s: %s", (text, expected) => {
    expect(holds(parseJsonCondition(text), ORDER)).toBe(expected);
  });

  it.each([["a >"], [""], ["a..b"], ["a["], ["> 5"]])("refuses %j in words", (text) => {
    expect(() => parseJsonCondition(text)).toThrow(JsonPathError);
  });

  it("does not find what objects inherit", () => {
    expect(holds(parseJsonCondition("constructor"), {})).toBe(false);
  });
});

import { expect, it } from "vitest";
import { inKeptOrder } from "./kept-order.ts";

interface Row {
  readonly key: string;
  readonly count: number;
}

const arranged = (before: readonly string[], counts: Readonly<Record<string, number>>) =>
  inKeptOrder<Row>(
    Object.entries(counts).map(([key, count]) => ({ key, count })),
    { before, keyOf: ({ key }) => key, compare: (a, b) => b.count - a.count },
  ).map(({ key }) => key);

it("orders rows when they are seen first, and leaves them there; what is new comes last, in order", () => {
  const first = arranged([], { a: 1, b: 3, c: 2 });
  expect(first).toEqual(["b", "c", "a"]);
  expect(arranged(first, { a: 9, b: 3, c: 2 })).toEqual(first);
  expect(arranged(first, { d: 5, a: 9, e: 7, b: 3 })).toEqual(["b", "a", "e", "d"]);
});

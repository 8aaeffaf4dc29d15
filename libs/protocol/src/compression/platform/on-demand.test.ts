import { expect, test } from "vitest";
import { CODECS as atOnce } from "./at-once.ts";
import { CODECS as onDemand } from "./on-demand.ts";

const input = new TextEncoder().encode("to be loaded, or not to be loaded ".repeat(100));

test("the same codecs, in the same places", () => {
  expect(onDemand.map(({ id, name }) => [id, name])).toEqual(atOnce.map(({ id, name }) => [id, name]));
});

test.each(onDemand.slice(1).map(({ name, id }) => [name, id] as const))(
  "%s loads with its first use",
  async (_, id) => {
    const compressed = await onDemand[id]!.compress(input);
    expect(new Uint8Array(await atOnce[id]!.decompress(compressed, input.length))).toEqual(input);
    expect(new Uint8Array(await onDemand[id]!.decompress(compressed, input.length))).toEqual(input);
    await expect(async () => await onDemand[id]!.decompress(compressed, 10)).rejects.toThrow();
  },
);

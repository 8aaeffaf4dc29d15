import fc from "fast-check";
import { expect, test } from "vitest";
import { Fifo } from "./fifo.ts";

test("behaves as an array does (property)", () => {
  const operations = fc.array(
    fc.oneof({ weight: 3, arbitrary: fc.nat(1000) }, { weight: 2, arbitrary: fc.constant("shift") }),
    {
      maxLength: 300,
      size: "max",
    },
  );
  fc.assert(
    fc.property(operations, (steps) => {
      const fifo = new Fifo<number | string>();
      const model: (number | string)[] = [];
      for (const step of steps) {
        if (step === "shift") expect(fifo.shift()).toBe(model.shift());
        else {
          fifo.push(step);
          model.push(step);
        }
        expect(fifo.length).toBe(model.length);
        expect(fifo.peek()).toBe(model[0]);
      }
      const visited: (number | string)[] = [];
      fifo.forEach((item) => void visited.push(item));
      expect(visited).toEqual(model);
    }),
  );
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Journal } from "./journal.ts";

describe("Journal", () => {
  it("takes changes back to any position that was not forgotten", () => {
    const changes = fc.array(fc.tuple(fc.nat(3), fc.nat(9)), { maxLength: 40 });
    fc.assert(
      fc.property(changes, fc.nat(40), fc.nat(40), (script, forget, back) => {
        const journal = new Journal();
        journal.open();
        const state = new Map<number, number>();
        const snapshots = [new Map(state)];
        for (const [key, value] of script) {
          const before = state.get(key);
          state.set(key, value);
          journal.record(() => (before === undefined ? state.delete(key) : state.set(key, before)));
          snapshots.push(new Map(state));
        }
        const forgotten = Math.min(forget, script.length);
        const position = Math.max(forgotten, Math.min(back, script.length));
        journal.forgetUpTo(forgotten);
        journal.rollBackTo(position);
        expect(state).toEqual(snapshots[position]);
        expect(journal.position).toBe(position);
      }),
    );
  });

  it("remembers nothing before it is opened", () => {
    const journal = new Journal();
    journal.record(() => expect.unreachable());
    journal.open();
    journal.rollBackTo(0);
    expect(journal.position).toBe(0);
  });
});

import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { keepListening, onAbort } from "./on-abort.ts";

const listenersOf = ({ signal }: AbortController) => getEventListeners(signal, "abort").length;

describe("waiting for an abort", () => {
  it("calls everybody once, and takes one listener", () => {
    const controller = new AbortController();
    const called: number[] = [];
    for (let i = 0; i < 100; i++) onAbort(controller.signal, () => called.push(i));
    expect(listenersOf(controller)).toBe(1);
    controller.abort();
    expect(called).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(listenersOf(controller)).toBe(0);
  });

  it("leaves no listener when nobody waits any more, and takes one again for the next", () => {
    const controller = new AbortController();
    const called: string[] = [];
    const cancel = ["one", "two"].map((name) => onAbort(controller.signal, () => called.push(name)));
    for (const end of [...cancel, ...cancel]) end();
    expect(listenersOf(controller)).toBe(0);
    onAbort(controller.signal, () => called.push("three"));
    controller.abort();
    expect(called).toEqual(["three"]);
  });

  it("keeps its listener for who waits again and again, where the signal's owner says so", () => {
    const controller = new AbortController();
    keepListening(controller.signal);
    let calls = 0;
    for (let i = 0; i < 3; i++) onAbort(controller.signal, () => calls++)();
    expect(listenersOf(controller)).toBe(1);
    onAbort(controller.signal, () => calls++);
    controller.abort();
    expect(calls).toBe(1);
  });

  it("does not call who is told by another to wait no longer", () => {
    const controller = new AbortController();
    const called: string[] = [];
    onAbort(controller.signal, () => end());
    const end = onAbort(controller.signal, () => called.push("second"));
    controller.abort();
    expect(called).toEqual([]);
  });

  it("has nothing to wait for without a signal, or when it has been given", () => {
    for (const signal of [undefined, AbortSignal.abort()]) {
      onAbort(signal, () => expect.unreachable())();
    }
  });
});

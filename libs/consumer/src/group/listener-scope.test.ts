import { expect, test } from "vitest";
import { ListenerScope as InNode } from "../node/listener-scope.ts";
import { ListenerScope as Portable } from "./listener-scope.ts";

test.each([
  { name: "portable", scope: new Portable(), isKnownLater: false },
  { name: "in Node.js", scope: new InNode(), isKnownLater: true },
])("$name: what work calls is within it, before its first await or after; nothing else is", async (one) => {
  const { scope, isKnownLater } = one;
  const seen: boolean[] = [];
  let later: Promise<boolean> | undefined;
  let goOn = () => {};
  const working = scope.run(async () => {
    seen.push(scope.isWithin);
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
    seen.push(scope.isWithin);
    later = new Promise((resolve) => setImmediate(() => resolve(scope.isWithin)));
  });
  expect(scope.isWithin, "who runs meanwhile").toBe(false);
  goOn();
  await working;
  expect([seen, scope.isWithin, await later]).toEqual([[true, isKnownLater], false, false]);
  const failure = new Error("cannot");
  await expect(
    (async () =>
      await scope.run(() => {
        throw failure;
      }))(),
  ).rejects.toBe(failure);
  expect(scope.isWithin).toBe(false);
});

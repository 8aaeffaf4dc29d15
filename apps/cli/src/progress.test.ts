import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startProgress } from "./progress.ts";

/** What a terminal, or a file, is given to show. */
function output(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100 });
  let text = "";
  stream.on("data", (chunk) => {
    text += chunk;
  });
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}

const afterMs = async (ms: number) => {
  await vi.advanceTimersByTimeAsync(ms);
  await vi.dynamicImportSettled();
};

describe("a progress bar", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it("is not there for what takes less than a second", async () => {
    const { stream, text } = output(true);
    const progress = startProgress({ isShown: true, total: 10, unit: "records", stream });
    progress.update(5);
    await afterMs(999);
    progress.stop();
    await afterMs(5_000);
    expect(text()).toBe("");
  });

  it("is there after a second, with how much is done, and gone at the end", async () => {
    const { stream, text } = output(true);
    const progress = startProgress({ isShown: true, total: 10, unit: "records", stream });
    progress.update(5);
    await afterMs(1_000);
    expect(text()).toMatch(/50% \| 5 of 10 records \| /);
    progress.update(8, 16);
    await afterMs(1_000);
    expect(text()).toMatch(/8 of 16 records/);
    progress.stop();
    const atTheEnd = text();
    const clearToTheEnd = "\u001b[0K";
    expect(atTheEnd.slice(atTheEnd.lastIndexOf("of 16 records"))).toContain(clearToTheEnd);
    await afterMs(5_000);
    expect(text()).toBe(atTheEnd);
  });

  it("counts bytes in MB, and parts of a whole without a word", async () => {
    const bytes = output(true);
    startProgress({ isShown: true, total: 30_000_000, unit: "bytes", stream: bytes.stream }).update(15_000_000);
    const share = output(true);
    startProgress({ isShown: true, total: 4, unit: null, stream: share.stream }).update(1);
    await afterMs(1_000);
    expect(bytes.text()).toContain("15 of 30 MB");
    expect(share.text()).toMatch(/25% \| \S+ left/);
  });

  it.each([
    [false, true],
    [true, false],
  ])("is never there off a terminal, or where nobody wants it: terminal %s, wanted %s", async (isTTY, isShown) => {
    const { stream, text } = output(isTTY);
    const progress = startProgress({ isShown, total: 10, unit: "records", stream });
    await afterMs(2_000);
    progress.update(5);
    progress.stop();
    expect(text()).toBe("");
  });
});

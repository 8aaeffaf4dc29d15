import { describe, expect, it } from "vitest";
import { subscribedTopics } from "./subscribed-topics.ts";

const VERSION_3 = [0, 3, 0, 0, 0, 1, 0, 1, "t".charCodeAt(0), 0, 0, 0, 0];

describe("subscribedTopics", () => {
  it.each([
    ["a Uint8Array", new Uint8Array(VERSION_3)],
    ["a Buffer, whose slice() shares its memory", Buffer.from(VERSION_3)],
  ])("reads %s and leaves its bytes alone", (_, subscription) => {
    expect(subscribedTopics([subscription])).toEqual(new Set(["t"]));
    expect([...subscription]).toEqual(VERSION_3);
  });
});

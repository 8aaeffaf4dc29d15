import { describe, expect, test } from "vitest";
import { ErrorCode } from "./error-code.ts";
import { errorByCode } from "./error-info.ts";
import { KafkaError } from "./kafka-error.ts";
import { MalformedFrameError, ProtocolError } from "./protocol-error.ts";

/** The errors whose exception Kafka's Java client derives from RetriableException, by code, as of 4.3. */
const RETRIABLE = [
  2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 84, 88, 89, 100, 103, 106, 122,
  123, 133,
];

describe("Kafka's error codes", () => {
  test("are dense from -1 to 133, in order", () => {
    expect(Object.values(ErrorCode)).toEqual(Array.from({ length: 135 }, (_, index) => index - 1));
  });

  test("are retriable where the Java client retries", () => {
    const retriable = Object.values(ErrorCode).filter((code) => errorByCode(code).retriable);
    expect(retriable).toEqual(RETRIABLE);
  });

  test.each(Object.entries(ErrorCode))("%s is found by its code and says something", (name, code) => {
    const info = errorByCode(code);
    expect(info).toMatchObject({ name, errno: code });
    expect(info.message).toMatch(/^[A-Zac].{7,}\.$/);
  });

  test("of a newer broker are unknown, and keep their number", () => {
    expect(errorByCode(9999)).toMatchObject({ name: "UNKNOWN_SERVER_ERROR", errno: 9999, retriable: false });
    expect(errorByCode(-2)).toMatchObject({ name: "UNKNOWN_SERVER_ERROR", errno: -2 });
  });
});

describe("KafkaError", () => {
  test("is made from a code", () => {
    const cause = new Error("below");
    const error = KafkaError.fromCode(ErrorCode.NOT_LEADER_OR_FOLLOWER, "orders-3", cause);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      code: "NOT_LEADER_OR_FOLLOWER",
      errno: 6,
      retriable: true,
      cause,
      name: "KafkaError",
    });
    expect(error.message).toMatch(/^orders-3: .*refresh the metadata/);
    expect(KafkaError.fromCode(6).message).not.toContain("undefined");
  });

  test("of the protocol is one too", () => {
    const error = new MalformedFrameError("cut").within("topics");
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toBeInstanceOf(KafkaError);
    expect(error).toMatchObject({
      code: "MALFORMED_FRAME",
      errno: ErrorCode.INVALID_REQUEST,
      message: "topics: cut",
      name: "MalformedFrameError",
      retriable: false,
    });
  });
});

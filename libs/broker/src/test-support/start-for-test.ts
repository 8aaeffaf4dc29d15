import { onTestFinished } from "vitest";
import { TestBroker, type TestBrokerOptions } from "./test-broker.ts";

/** A broker that is stopped when the test is over, however that went. */
export async function startForTest(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const broker = await TestBroker.start(options);
  onTestFinished(() => broker[Symbol.asyncDispose]());
  return broker;
}

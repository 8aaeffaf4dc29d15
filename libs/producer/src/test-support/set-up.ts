import { FakeCluster, type FakeClusterOptions } from "@ottla/client/test-support";
import { createSimulatedRuntime } from "@ottla/runtime";
import { expect, onTestFinished } from "vitest";
import { KafkaError, Producer, type ProducerOptions } from "../index.ts";

/** Those of the producer, and of the cluster that it writes to. */
export type SetUpOptions = Partial<ProducerOptions<never, never>> & { readonly cluster?: Partial<FakeClusterOptions> };

/** A producer of a cluster in memory, closed when the test is over that this is called in. */
export function setUp({ cluster: clusterOptions, ...options }: SetUpOptions = {}) {
  const runtime = createSimulatedRuntime(11);
  const cluster = new FakeCluster({ runtime, topics: { orders: 2 }, ...clusterOptions });
  const { connector, bootstrapServers } = cluster;
  const producer = new Producer({ bootstrapServers, connector, runtime, ...(options as Partial<ProducerOptions>) });
  /** Lets time pass until the promise has settled. */
  const within = async <T>(promise: Promise<T>, limitMs = 300_000): Promise<T> => {
    let isSettled = false;
    const note = () => {
      isSettled = true;
    };
    promise.then(note, note);
    await runtime.settle();
    for (let passedMs = 0; !isSettled && passedMs < limitMs; passedMs += 5) await runtime.advance(5);
    if (!isSettled) throw new Error(`not settled within ${limitMs} ms`);
    return await promise;
  };
  const rejection = async (promise: Promise<unknown>): Promise<KafkaError> => {
    const outcome = await within(promise.catch((error: unknown) => error));
    expect(outcome).toBeInstanceOf(KafkaError);
    return outcome as KafkaError;
  };
  const values = (partition: number) => cluster.partition("orders", partition).records.map(({ value }) => value);
  onTestFinished(() => within(producer.close({ timeoutMs: 0 })));
  return { runtime, cluster, producer, within, rejection, values };
}

/** How many Produce requests the cluster had so far. */
export function produceRequests(cluster: FakeCluster): number {
  return cluster.requestCounts.get("Produce") ?? 0;
}

import { ClusterClient } from "@ottla/client/internal";
import { encodeRecordBatch, initProducerIdApi, produceApi } from "@ottla/protocol";
import { expect } from "vitest";

/** A client that asks for what no SDK does. */
export function newClient(bootstrapServers: string): ClusterClient {
  return new ClusterClient({ bootstrapServers }, { component: "e2e", allowAutoTopicCreation: false });
}

/**
 * A transactional record, an hour old, that no coordinator knows of, as a delayed one could become where none is verified
 * (`transaction.partition.verification.enable=false`).
 */
export async function leaveHangingTransaction(bootstrapServers: string, topic: string, leader: { broker: number }) {
  await using client = newClient(bootstrapServers);
  const { producerId } = await client.ask("any", initProducerIdApi, {
    transactionalId: null,
    transactionTimeoutMs: 1000,
  });
  const timestampMs = Date.now() - 3_600_000;
  const records = encodeRecordBatch({
    records: [{ value: "hangs" }],
    timestampMs,
    producerId,
    producerEpoch: 0,
    baseSequence: 0,
    isTransactional: true,
  });
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
  const body = { transactionalId: "nobody", acks: -1, timeoutMs: 1000, topicData };
  const { responses } = await client.ask(leader, produceApi, body, { maxVersion: 11 });
  expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
}

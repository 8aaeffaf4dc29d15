import { RECORD_KEY, recordValues } from "./bench-client.ts";

/** What kafkajs and @confluentinc/kafka-javascript, which has its calls, send and hand out. */
export interface Message {
  readonly key?: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
}

type EachBatch = (payload: { readonly batch: { readonly messages: readonly Message[] } }) => Promise<void>;

/** The messages of one call. */
export function messagesOf(recordsPerCall: number, recordBytes: number): { key: string; value: string }[] {
  const values = recordValues(recordBytes, recordsPerCall);
  return Array.from({ length: recordsPerCall }, (_, i) => ({ key: RECORD_KEY, value: values[i % values.length]! }));
}

/** Touches records as `run` hands them out, until so many have come. */
export function readBatches(run: (eachBatch: EachBatch) => Promise<unknown>, records: number): Promise<void> {
  let seen = 0;
  return new Promise((resolve, reject) => {
    run(async ({ batch: { messages } }) => {
      for (const { key, value } of messages) seen += key !== null && value !== null ? 1 : 0;
      if (seen >= records) resolve();
    }).catch(reject);
  });
}

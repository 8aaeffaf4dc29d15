import { RECORD_KEY, recordValues } from "./bench-client.ts";

/** What kafkajs and @confluentinc/kafka-javascript, which has its calls, send and hand out. */
export interface Message {
  readonly key?: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
}

type EachBatch = (payload: { readonly batch: { readonly messages: readonly Message[] } }) => Promise<void>;

/** The messages of one call. */
export function messagesOf(recordsPerCall: number, recordBytes: number): { key: string; value: string }[] {
  const values = recordValues(recordBytes);
  return Array.from({ length: recordsPerCall }, (_, i) => ({ key: RECORD_KEY, value: values[i % values.length]! }));
}

/** Touches records as `run` hands them out, until so many have come. */
export async function readBatches(run: (eachBatch: EachBatch) => Promise<unknown>, records: number) {
  const first = await new Promise<{ firstAtMs: number; firstCount: number }>((resolve, reject) => {
    let seen = 0;
    let begun = { firstAtMs: 0, firstCount: 0 };
    run(async ({ batch: { messages } }) => {
      if (seen === 0) begun = { firstAtMs: performance.now(), firstCount: messages.length };
      for (const { key, value } of messages) seen += key !== null && value !== null ? 1 : 0;
      if (seen >= records) resolve(begun);
    }).catch(reject);
  });
  return { ...first, endedMs: performance.now() };
}

import type { CallOptions } from "@ottla/client";
import type { ClusterClient } from "@ottla/client/internal";
import { ErrorCode } from "@ottla/protocol";

/** Options of calls that create and delete partitions, which a quota may hold back (`controller_mutation_rate`, KIP-599). */
export interface QuotaRetryOptions {
  /**
   * Whether what the quota refuses is asked for again when the broker's throttle time is over, until `timeoutMs`. Default true,
   * as in Kafka's own client; false fails at once with THROTTLING_QUOTA_EXCEEDED.
   */
  readonly retryOnQuotaViolation?: boolean;
}

/** What a broker says of one thing. */
interface Answer {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
}

/** A call on several things. */
interface QuotaCall<Item, A extends Answer> {
  /** What it is called in errors. */
  readonly name: string;
  /** What answers are told apart by. */
  readonly keyOf: (item: Item) => string;
  readonly keyOfAnswer: (answer: A) => string;
  readonly ask: (
    items: readonly Item[],
    call: CallOptions,
  ) => Promise<{ readonly throttleTimeMs: number; readonly answers: readonly A[] }>;
}

/**
 * The answers of a call, in the order of its items. Those that a quota refuses are asked for again, alone, when the throttle
 * time is over; where the call has no time for that, the refusal is the answer.
 */
export async function despiteQuota<Item, A extends Answer>(
  client: ClusterClient,
  { name, keyOf, keyOfAnswer, ask }: QuotaCall<Item, A>,
  items: readonly Item[],
  { retryOnQuotaViolation = true, ...call }: CallOptions & QuotaRetryOptions,
): Promise<readonly A[]> {
  const deadline = client.deadline(name, call);
  const answered = new Map<string, A>();
  for (let left = items; ; ) {
    const { throttleTimeMs, answers } = await ask(left, { timeoutMs: deadline.remainingMs, signal: deadline.signal });
    for (const answer of answers) answered.set(keyOfAnswer(answer), answer);
    left = left.filter((item) => answered.get(keyOf(item))?.errorCode === ErrorCode.THROTTLING_QUOTA_EXCEEDED);
    if (left.length > 0 && retryOnQuotaViolation && throttleTimeMs < deadline.remainingMs) {
      await deadline.sleep(throttleTimeMs);
    } else {
      return [...answered.values()].map((answer) => explained(answer, throttleTimeMs));
    }
  }
}

/** Says how long a refusal counts. */
function explained<A extends Answer>(answer: A, throttleTimeMs: number): A {
  if (answer.errorCode !== ErrorCode.THROTTLING_QUOTA_EXCEEDED) return answer;
  const errorMessage = `The quota on changes of topics (controller_mutation_rate) is used up for ${throttleTimeMs} ms.`;
  return { ...answer, errorMessage };
}

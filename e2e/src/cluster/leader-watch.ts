import { ErrorCode, listOffsetsApi } from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { BrokerConnection, createDefaultConnector } from "@ottla/transport";

/** How exact the times are, unless they are only to be read by people. */
const ASK_EVERY_MS = 10;
/** What stands still answers nothing: it is asked anew once it runs again. */
const REQUEST_TIMEOUT_MS = 500;
const LATEST = -1;
const VERSION = 7;
/** The second is what a new leader answers until it knows how far its predecessors have told consumers (KIP-207). */
const ANSWERS_OF_A_LEADER: readonly number[] = [ErrorCode.NONE, ErrorCode.OFFSET_NOT_AVAILABLE];

const runtime = createSystemRuntime();
const connector = createDefaultConnector(runtime);
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** When a leader of a partition answered last, and which. */
interface Led {
  /** -1 where the leader is so new that it answers with an error. */
  readonly epoch: number;
  readonly atMs: number;
}

/**
 * Asks every broker all the time which partitions it leads. A partition is without a leader from the last answer of one
 * to the first of the next, which may be the same one after a restart. (A broker that is cut off, and does not know yet
 * that it is no leader any more, counts as one.)
 */
export class LeaderWatch {
  readonly #topics: readonly string[];
  readonly #partitions: readonly number[];
  readonly #askEveryMs: number;
  readonly #led = new Map<string, Led>();
  readonly #asking: Promise<void>[];
  #longestMs = 0;
  #longestSilenceMs = 0;
  #isStopped = false;

  constructor(
    ports: readonly number[],
    topics: readonly string[],
    partitions: readonly number[],
    askEveryMs = ASK_EVERY_MS,
  ) {
    this.#askEveryMs = askEveryMs;
    this.#topics = topics;
    this.#partitions = partitions;
    this.#asking = ports.map((port) => this.#askBroker(port));
  }

  /** The longest time that any partition was without a leader, since this was asked last. */
  takeLongestMs(): number {
    const longest = this.#longestMs;
    this.#longestMs = 0;
    return longest;
  }

  /**
   * The longest that a leader which stayed took to answer, since this was asked last. So late may answers be that the
   * other time is measured by: a machine with too much to do is slow to answer without anybody being without a leader.
   */
  takeLongestSilenceMs(): number {
    const longest = this.#longestSilenceMs;
    this.#longestSilenceMs = 0;
    return longest;
  }

  /** How many partitions have had a leader. */
  get seenCount(): number {
    return this.#led.size;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#asking);
  }

  async #askBroker(port: number): Promise<void> {
    while (!this.#isStopped) {
      try {
        const options = { clientId: "leader-watch", requestTimeoutMs: REQUEST_TIMEOUT_MS };
        const address = { host: "127.0.0.1", port };
        const connection = await BrokerConnection.open({ address, connector, runtime, ...options });
        try {
          while (!this.#isStopped) {
            await this.#ask(connection);
            await pause(this.#askEveryMs);
          }
        } finally {
          void connection.close();
        }
      } catch {
        await pause(this.#askEveryMs); // it is down, stands still, or has closed the connection
      }
    }
  }

  async #ask(connection: BrokerConnection): Promise<void> {
    const partitions = this.#partitions.map((partitionIndex) => ({ partitionIndex, timestamp: LATEST }));
    const topics = this.#topics.map((name) => ({ name, partitions }));
    const request = { replicaId: -1, isolationLevel: 0, topics };
    const answer = await connection.request(listOffsetsApi, request, { version: VERSION });
    for (const { name, partitions: answered } of answer.topics) {
      for (const { partitionIndex, errorCode, leaderEpoch } of answered)
        if (ANSWERS_OF_A_LEADER.includes(errorCode)) this.#isLed(`${name}-${partitionIndex}`, leaderEpoch);
    }
  }

  #isLed(partition: string, epoch: number): void {
    const atMs = performance.now();
    const before = this.#led.get(partition) ?? { epoch, atMs };
    this.#led.set(partition, { epoch, atMs });
    const gapMs = atMs - before.atMs;
    if (before.epoch === epoch) this.#longestSilenceMs = Math.max(this.#longestSilenceMs, gapMs);
    else this.#longestMs = Math.max(this.#longestMs, gapMs);
  }
}

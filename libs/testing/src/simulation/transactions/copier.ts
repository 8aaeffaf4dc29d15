import { exactlyOnce } from "@ottla/exactly-once";
import { type Random, seededRandom } from "@ottla/runtime";
import type { SimulatedNetwork } from "../simulated-network.ts";
import type { SimulatedProcess } from "../simulated-process.ts";
import {
  clientOptions,
  type ProcessObserver,
  SESSION_TIMEOUT_MS,
  TRANSACTION_TIMEOUT_MS,
  thinking,
} from "./client-options.ts";

/** Errors that rightly end a worker: it is started anew. */
const RIGHTFUL_ENDS: ReadonlySet<string> = new Set(["PRODUCER_FENCED"]);

/** A process that copies one topic to another, partition by partition, with the SDK's exactlyOnce(). */
export class Copier {
  readonly process: SimulatedProcess;
  readonly #stop = new AbortController();

  constructor(options: {
    readonly process: SimulatedProcess;
    readonly network: SimulatedNetwork;
    readonly bootstrapServers: string;
    readonly transactionalId: string;
    readonly from: string;
    readonly to: string;
    readonly groupProtocol: "classic" | "consumer";
    readonly seed: number;
    readonly observer: ProcessObserver;
  }) {
    const { process, network, bootstrapServers, transactionalId, from, to, groupProtocol, observer } = options;
    this.process = process;
    const random: Random = seededRandom(options.seed);
    const client = clientOptions(process, network);
    void exactlyOnce(
      {
        ...{ bootstrapServers, from, to, transactionalId, groupId: "copiers", batch: 1 + random.nextInt(20) },
        signal: this.#stop.signal,
        onRetry: ({ code }) => observer.tally.add(`copier: again after ${code}`),
        producer: { ...client, transactionTimeoutMs: TRANSACTION_TIMEOUT_MS },
        consumer: {
          ...client,
          ...{ groupProtocol, heartbeatIntervalMs: 1_000, fetchMaxWaitMs: 1_000 },
          ...(groupProtocol === "classic" && { sessionTimeoutMs: SESSION_TIMEOUT_MS }),
          maxPollIntervalMs: 3 * TRANSACTION_TIMEOUT_MS,
        },
      },
      async ({ partition, value }) => {
        await thinking(process, random);
        return { partition, value };
      },
    ).then(
      () => {
        observer.tally.add("copier: stopped");
        process.kill();
      },
      (error: { readonly code?: string }) => {
        observer.tally.add(`copier: ended by ${error.code}`);
        if (!RIGHTFUL_ENDS.has(String(error.code))) observer.violated(error);
        process.kill();
      },
    );
  }

  /** Ends in good order. */
  stop(): void {
    this.#stop.abort();
  }
}

import type { ClusterClient } from "@ottla/client/internal";
import type { KafkaError } from "@ottla/protocol";
import { logTruncated } from "../errors.ts";
import type { ConsumerEventHub, ConsumerEvents } from "../events.ts";
import { currentLeaderEpoch } from "../partitions/leader-epoch.ts";
import type { PartitionState } from "../partitions/partition-state.ts";
import type { Divergence } from "./position-validator.ts";
import type { ResolvedResetPolicy } from "./reset-policy.ts";

/** What is to be done about positions. */
export interface HistoryHost {
  /** A partition has no position now: one is to be found. */
  onPositionMissing(): void;
  /** Reading cannot go on before the user says where. */
  onFailure(error: KafkaError): void;
}

/** Tells of records that are gone, and goes on where the reset policy says. */
export class History<K, V> {
  readonly #client: ClusterClient;
  readonly #policy: ResolvedResetPolicy;
  readonly #events: ConsumerEventHub;
  readonly #host: HistoryHost;
  /** At which version of a partition's state its truncation was told of. */
  readonly #toldTruncations = new WeakMap<PartitionState<K, V>, number>();

  constructor(client: ClusterClient, policy: ResolvedResetPolicy, events: ConsumerEventHub, host: HistoryHost) {
    this.#client = client;
    this.#policy = policy;
    this.#events = events;
    this.#host = host;
  }

  onReset(event: ConsumerEvents["reset"]): void {
    this.#client.runtime.logger.info("position reset", { ...event });
    this.#events.emit("reset", event);
  }

  onLost(event: ConsumerEvents["historyLost"]): void {
    this.#client.runtime.logger.warn("records are gone that were to be read", { ...event });
    this.#events.emit("historyLost", event);
  }

  /** With a reset policy reading goes on where the logs part, as in Kafka; without one the user has to say where. */
  onTruncated(state: PartitionState<K, V>, divergent: Divergence | undefined): void {
    const { topic, partition } = state;
    const fromOffset = state.position!.offset;
    if (divergent === undefined && this.#policy !== "none") {
      state.findPosition("policy", fromOffset);
      this.#host.onPositionMissing();
      return;
    }
    const toOffset = divergent?.offset ?? fromOffset;
    const what = { topic, partition, reason: "truncated", fromOffset, toOffset } as const;
    // Without a policy it comes up again and again, until the user seeks: told once.
    if (this.#toldTruncations.get(state) !== state.version) this.onLost(what);
    this.#toldTruncations.set(state, state.version);
    if (this.#policy === "none") {
      this.#host.onFailure(logTruncated(state, fromOffset, divergent?.offset));
      return;
    }
    state.seek(divergent!);
    state.markValid(currentLeaderEpoch(this.#client, state));
    this.onReset(what);
  }
}

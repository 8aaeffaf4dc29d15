import type { CrashKind } from "@ottla/runtime";
import type { SimulatedBroker } from "../simulated-broker.ts";
import type { MetadataTruth } from "./metadata-truth.ts";

/**
 * Which brokers may lose unsynced data now. `min.insync.replicas` = 2 stands for one of an ISR losing some before it has
 * it back: so one power cut at a time, while everybody is in sync where it counts, and no other broker that is killed
 * before all are in sync again (to the cluster a killed process is one that may have lost something). A broker that is not
 * in sync, and may not lead either, may lose what it likes.
 */
export class Unsafe {
  readonly #truth: MetadataTruth;
  /** Brokers that were killed, with the epoch that they had then. */
  readonly #killed = new Map<number, number>();
  #isPowerCut = false;

  constructor(truth: MetadataTruth) {
    this.#truth = truth;
  }

  mayLose({ broker }: SimulatedBroker, kind: CrashKind): boolean {
    if (broker === undefined) return false;
    this.#forgetRecovered();
    const { nodeId } = broker.services;
    const isOthers = [...this.#killed.keys()].some((id) => id !== nodeId);
    if (kind === "process") return !this.#isPowerCut || !isOthers;
    return !isOthers && this.#countsNowhere(nodeId);
  }

  loses({ broker }: SimulatedBroker, kind: CrashKind): void {
    const { nodeId } = broker!.services;
    this.#killed.set(nodeId, this.#truth.image.brokers.get(String(nodeId))?.epoch ?? -1);
    if (kind === "power") this.#isPowerCut = true;
  }

  #forgetRecovered(): void {
    const { brokers } = this.#truth.image;
    const isBack = ([id, epoch]: [number, number]) => (brokers.get(String(id))?.epoch ?? -1) > epoch;
    if (![...this.#killed].every(isBack) || !this.#isWhole()) return;
    this.#killed.clear();
    this.#isPowerCut = false;
  }

  /** Whether of each partition all are in sync, or this one is not and cannot be elected either. */
  #countsNowhere(brokerId: number): boolean {
    for (const [, topic] of this.#truth.image.topicsByName) {
      for (const { isr, replicas, leader, eligibleLeaderReplicas, lastKnownElr } of topic.partitions) {
        const counts = [...isr, ...eligibleLeaderReplicas, ...lastKnownElr, leader].includes(brokerId);
        if (counts && isr.length < replicas.length) return false;
      }
    }
    return true;
  }

  #isWhole(): boolean {
    for (const [, topic] of this.#truth.image.topicsByName) {
      for (const { isr, replicas } of topic.partitions) if (isr.length < replicas.length) return false;
    }
    return true;
  }
}

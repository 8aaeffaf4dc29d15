import {
  BALANCED_AT_ONCE_MAX,
  type BrokerImage,
  balanceLeaders,
  brokerById,
  type Committed,
  type Controller,
  type ControllerOperation,
  type ControllerState,
  fenceBroker,
  finalizeFeatures,
  type HeartbeatContext,
  isActiveBroker,
  type MetadataFollower,
  type MetadataImage,
  type MetadataLog,
} from "@ottla/metadata";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { Runtime, Timer } from "@ottla/runtime";
import { levelsToFinalize, type SupportedFeatures } from "../services/features.ts";

export interface ControllerDutiesOptions {
  readonly controller: Controller;
  readonly follower: MetadataFollower;
  readonly log: MetadataLog;
  readonly runtime: Runtime;
  readonly supportedFeatures: SupportedFeatures;
  readonly sessionTimeoutMs: () => number;
  /** How leadership is balanced; null where it is not. */
  readonly balance: () => { readonly intervalMs: number } | null;
}

/** What the controller knows of a broker besides the metadata. */
interface Session {
  brokerEpoch: number;
  lastContactMs: number;
  metadataOffset: number;
  /** Up to where the metadata says that its leaderships were handed over, or null. */
  handedOverAt: number | null;
}

/** How many times in a session's length it is looked at. */
const CHECKS_PER_SESSION = 10;

/**
 * What a broker does while it is controller: it fences those whose heartbeats or whose announcements end.
 *
 * What it knows of the brokers' sessions is its own, and begins anew with the office: everybody has been heard of then.
 */
export class ControllerDuties {
  readonly #options: ControllerDutiesOptions;
  readonly #sessions = new Map<number, Session>();
  readonly #unsubscribe: readonly (() => void)[];
  /** The incarnations of the brokers that were announced when this was last looked at; null where it could not be read. */
  #announced: ReadonlyMap<number, string | null> = new Map();
  /** Brokers that are to be fenced as soon as the log can be appended to, as `id@epoch`. */
  readonly #fencing = new Set<string>();
  #timer: Timer | null = null;
  #balancedMs = 0;
  #looking: Promise<void> | null = null;
  #lookAgain = false;
  /** Whether the last look failed: no hint will come for what it has missed. */
  #hasFailedToLook = false;

  constructor(options: ControllerDutiesOptions) {
    this.#options = options;
    this.#unsubscribe = [
      options.controller.onOfficeChange(() => this.#officeChanged()),
      options.log.liveness.onChange(() => this.#lookWhoIsAlive()),
    ];
  }

  /** A broker was heard of in its present life. */
  heardOf(brokerId: number, brokerEpoch: number, metadataOffset: number): void {
    const session = this.#session(brokerId, brokerEpoch);
    session.lastContactMs = this.#nowMs();
    session.metadataOffset = metadataOffset;
  }

  /** A broker's leaderships have been handed over by the record at this offset. */
  handedOver(brokerId: number, brokerEpoch: number, offset: number): void {
    this.#session(brokerId, brokerEpoch).handedOverAt ??= offset;
  }

  /** What is known of a broker besides the metadata: see `brokerHeartbeat`. */
  contextOf(brokerId: number, image: MetadataImage): HeartbeatContext {
    const active = [...this.#sessions].filter(([id]) => id !== brokerId && isActiveBroker(image, id));
    return {
      activeOffsetMin: Math.min(...active.map(([, { metadataOffset }]) => metadataOffset)),
      handedOverAt: this.#sessions.get(brokerId)?.handedOverAt ?? null,
      isAnnounced: this.#isAnnounced(brokerId, image),
    };
  }

  /** Who is not known to be is looked for: the next heartbeat tells. */
  #isAnnounced(brokerId: number, image: MetadataImage): boolean {
    const broker = brokerById(image, brokerId);
    if (broker !== undefined && this.#announced.get(brokerId) === broker.incarnationId) return true;
    this.#lookWhoIsAlive();
    return false;
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#timer?.cancel();
    this.#timer = null;
  }

  #session(brokerId: number, brokerEpoch: number): Session {
    const known = this.#sessions.get(brokerId);
    if (known?.brokerEpoch === brokerEpoch) return known;
    const session = { brokerEpoch, lastContactMs: this.#nowMs(), metadataOffset: -1, handedOverAt: null };
    this.#sessions.set(brokerId, session);
    return session;
  }

  #officeChanged(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#sessions.clear();
    this.#announced = new Map();
    const { controller, follower, runtime } = this.#options;
    if (controller.epoch === null) return;
    runtime.logger.info("this broker is the controller", { controllerEpoch: controller.epoch });
    for (const { brokerId, epoch } of follower.image.brokers.values()) this.#session(brokerId, epoch);
    this.#balancedMs = this.#nowMs();
    this.#finalizeFeatures();
    this.#lookWhoIsAlive();
    this.#planCheck();
  }

  #finalizeFeatures(): void {
    const { runtime, supportedFeatures } = this.#options;
    const levels = ({ image }: ControllerState) => levelsToFinalize(image.features, supportedFeatures);
    this.#submit((state) => finalizeFeatures(state, levels(state))).catch((error) =>
      runtime.logger.warn("the features' levels could not be finalized", { err: error }),
    );
  }

  #planCheck(): void {
    const intervalMs = Math.max(1, this.#options.sessionTimeoutMs() / CHECKS_PER_SESSION);
    const dueMs = this.#nowMs() + intervalMs;
    this.#timer = this.#options.runtime.timers.schedule(intervalMs, () => {
      this.#forgive(this.#nowMs() - dueMs);
      this.#checkSessions();
      if (this.#hasFailedToLook) this.#lookWhoIsAlive();
      this.#balance();
      this.#planCheck();
    });
  }

  /** While this process stood still it could hear of nobody: that is not the brokers' silence. */
  #forgive(lateMs: number): void {
    for (const session of this.#sessions.values()) session.lastContactMs += Math.max(0, lateMs);
  }

  /** Nobody is fenced while the coordination service does not answer: see {@link #look}. */
  #checkSessions(): void {
    const isSilent = (broker: BrokerImage) => this.#isSilent(broker) && !this.#fencing.has(lifeOf(broker));
    if ([...this.#options.follower.image.brokers.values()].some(isSilent)) this.#lookWhoIsAlive();
  }

  #isSilent({ brokerId, epoch, fenced }: BrokerImage): boolean {
    const endedMs = this.#nowMs() - this.#options.sessionTimeoutMs();
    return !fenced && this.#session(brokerId, epoch).lastContactMs <= endedMs;
  }

  /** Leaderships that have wandered off go back to their preferred replicas. */
  #balance(): void {
    const how = this.#options.balance();
    if (how === null || this.#nowMs() - this.#balancedMs < how.intervalMs) return;
    this.#balancedMs = this.#nowMs();
    void this.#giveBackLeaderships();
  }

  /** Step by step, until there are no more. Never rejects. */
  async #giveBackLeaderships(): Promise<void> {
    const { logger } = this.#options.runtime;
    try {
      for (let partitions = BALANCED_AT_ONCE_MAX; partitions === BALANCED_AT_ONCE_MAX; ) {
        ({ response: partitions } = await this.#submit(balanceLeaders));
        if (partitions > 0) logger.info("leadership was given back to preferred replicas", { partitions });
      }
    } catch (error) {
      logger.warn("leadership could not be balanced", { err: error });
    }
  }

  #lookWhoIsAlive(): void {
    if (this.#options.controller.epoch === null) return;
    this.#lookAgain = true;
    this.#looking ??= this.#look();
  }

  /**
   * Whoever is to be fenced is fenced when the coordination service has just answered, so that it can be written down at
   * once: what is decided while the service is away would be appended when it is back, and be outdated by then.
   */
  async #look(): Promise<void> {
    const { log, follower, controller, runtime } = this.#options;
    while (this.#lookAgain && controller.epoch !== null) {
      this.#lookAgain = false;
      const askedMs = this.#nowMs();
      try {
        const live = await log.liveness.live();
        this.#hasFailedToLook = false;
        this.#announced = new Map(live.map(({ brokerId, incarnationId }) => [brokerId, incarnationId]));
        if (this.#hasStoodStillSince(askedMs)) this.#beginAnew();
        for (const broker of follower.image.brokers.values()) {
          if (this.#isGone(broker)) this.#fence(broker, "its announcement has ended", () => this.#isGone(broker));
          else if (this.#isSilent(broker)) this.#fence(broker, "it sends no heartbeats", () => this.#isSilent(broker));
        }
      } catch (error) {
        this.#hasFailedToLook = true;
        runtime.logger.warn("it cannot be found out which brokers are alive", { err: error });
      }
    }
    this.#looking = null;
  }

  /** Where its announcement cannot be read, it is there. */
  #isGone({ brokerId, fenced, incarnationId }: BrokerImage): boolean {
    const announced = this.#announced.get(brokerId);
    return !fenced && announced !== incarnationId && announced !== null;
  }

  /** Who has lost the office in the meantime does not take it again for a duty that was the last one's. */
  #submit<Response>(operation: ControllerOperation<Response>): Promise<Committed<Response>> {
    const { controller } = this.#options;
    if (controller.epoch === null) return Promise.reject(KafkaError.fromCode(ErrorCode.NOT_CONTROLLER));
    return controller.submit(operation);
  }

  /** @param isDue whether there is still reason to, once nothing is in the way any more */
  #fence(broker: BrokerImage, reason: string, isDue: () => boolean): void {
    const { follower, runtime } = this.#options;
    const { brokerId, epoch: brokerEpoch } = broker;
    const life = lifeOf(broker);
    if (this.#fencing.has(life)) return;
    this.#fencing.add(life);
    const decidedMs = this.#nowMs();
    this.#submit((state) => {
      if (this.#hasStoodStillSince(decidedMs)) this.#beginAnew();
      else if (isDue()) return fenceBroker(state, brokerId, brokerEpoch);
      return { records: [], response: undefined };
    })
      .then(
        () => {
          if (brokerById(follower.image, brokerId)?.fenced !== true) return;
          runtime.logger.warn("a broker is fenced", { brokerId, brokerEpoch, reason });
        },
        (error) => runtime.logger.warn("a broker cannot be fenced", { brokerId, brokerEpoch, reason, err: error }),
      )
      .finally(() => this.#fencing.delete(life));
  }

  /**
   * Whether the log or the coordination service has kept somebody waiting, as when the service is away: what was known
   * then holds no more. Brokers may have found no controller, and their announcements may have been renewed.
   */
  #hasStoodStillSince(decidedMs: number): boolean {
    return this.#nowMs() - decidedMs > this.#options.sessionTimeoutMs() / 2;
  }

  /** Every broker gets a whole session to be heard of, and is looked for again. */
  #beginAnew(): void {
    for (const session of this.#sessions.values()) session.lastContactMs = this.#nowMs();
    this.#lookWhoIsAlive();
  }

  #nowMs(): number {
    return this.#options.runtime.clock.monotonicMs();
  }
}

/** A broker in one of its lives. */
function lifeOf({ brokerId, epoch }: BrokerImage): string {
  return `${brokerId}@${epoch}`;
}

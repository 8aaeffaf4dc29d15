import {
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

  #checkSessions(): void {
    const { follower, sessionTimeoutMs } = this.#options;
    const endedMs = this.#nowMs() - sessionTimeoutMs();
    for (const { brokerId, epoch, fenced } of follower.image.brokers.values()) {
      if (fenced || this.#session(brokerId, epoch).lastContactMs > endedMs) continue;
      this.#fence(brokerId, epoch, "it sends no heartbeats");
    }
  }

  /** Leaderships that have wandered off go back to their preferred replicas. */
  #balance(): void {
    const { balance, runtime } = this.#options;
    const how = balance();
    if (how === null || this.#nowMs() - this.#balancedMs < how.intervalMs) return;
    this.#balancedMs = this.#nowMs();
    this.#submit(balanceLeaders).then(
      ({ response: partitions }) => {
        if (partitions > 0) runtime.logger.info("leadership was given back to preferred replicas", { partitions });
      },
      (error) => runtime.logger.warn("leadership could not be balanced", { err: error }),
    );
  }

  #lookWhoIsAlive(): void {
    if (this.#options.controller.epoch === null) return;
    this.#lookAgain = true;
    this.#looking ??= this.#look();
  }

  async #look(): Promise<void> {
    const { log, follower, controller, runtime } = this.#options;
    while (this.#lookAgain && controller.epoch !== null) {
      this.#lookAgain = false;
      try {
        const live = await log.liveness.live();
        this.#hasFailedToLook = false;
        const incarnations = new Map(live.map(({ brokerId, incarnationId }) => [brokerId, incarnationId]));
        this.#announced = incarnations;
        for (const { brokerId, epoch, fenced, incarnationId } of follower.image.brokers.values()) {
          const announced = incarnations.get(brokerId);
          if (fenced || announced === incarnationId || announced === null) continue;
          this.#fence(brokerId, epoch, "its announcement has ended");
        }
      } catch (error) {
        this.#hasFailedToLook = true;
        runtime.logger.warn("it cannot be found out which brokers are alive", { err: error });
      }
    }
    this.#looking = null;
  }

  /** Who has lost the office in the meantime does not take it again for a duty that was the last one's. */
  #submit<Response>(operation: ControllerOperation<Response>): Promise<Committed<Response>> {
    const { controller } = this.#options;
    if (controller.epoch === null) return Promise.reject(KafkaError.fromCode(ErrorCode.NOT_CONTROLLER));
    return controller.submit(operation);
  }

  #fence(brokerId: number, brokerEpoch: number, reason: string): void {
    const { follower, runtime } = this.#options;
    const broker = `${brokerId}@${brokerEpoch}`;
    if (this.#fencing.has(broker)) return;
    this.#fencing.add(broker);
    const decidedMs = this.#nowMs();
    this.#submit((state) => {
      if (this.#hasStoodStillSince(decidedMs)) {
        this.#beginAnew();
        return { records: [], response: undefined };
      }
      return fenceBroker(state, brokerId, brokerEpoch);
    })
      .then(
        () => {
          if (brokerById(follower.image, brokerId)?.fenced !== true) return;
          runtime.logger.warn("a broker is fenced", { brokerId, brokerEpoch, reason });
        },
        (error) => runtime.logger.warn("a broker cannot be fenced", { brokerId, brokerEpoch, reason, err: error }),
      )
      .finally(() => this.#fencing.delete(broker));
  }

  /**
   * Whether the log has kept a decision waiting, as when the coordination service is away: it holds no more then, for the
   * brokers' heartbeats were not answered either, and their announcements may have been renewed.
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

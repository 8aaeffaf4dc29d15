import {
  type BrokerAnnouncement,
  type BrokerEndpoint,
  type BrokerFeature,
  brokerById,
  type MetadataFollower,
  type MetadataLog,
  unsupportedLevel,
} from "@ottla/metadata";
import { brokerHeartbeatApi, brokerRegistrationApi, ErrorCode, KafkaError, type RequestInput } from "@ottla/protocol";
import type { Runtime, Timer } from "@ottla/runtime";
import { StartupError } from "../services/data-directory.ts";
import type { ClusterGateway } from "./cluster-gateway.ts";
import type { ControllerChannel } from "./controller-channel.ts";
import { type SupersededError, superseded } from "./superseded.ts";

export interface BrokerLifecycleOptions {
  readonly announcement: BrokerAnnouncement;
  readonly clusterId: string;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly features: readonly BrokerFeature[];
  readonly rack: string | null;
  /** Ids of the log directories that can be used, and of those that have failed. */
  readonly logDirs: () => { readonly online: readonly string[]; readonly offline: readonly string[] };
  /** The epoch of the life before, where that has stopped cleanly; else -1: nobody vouches for what it left. */
  readonly previousBrokerEpoch: number;
  readonly log: MetadataLog;
  readonly follower: MetadataFollower;
  readonly gateway: ClusterGateway;
  readonly channel: ControllerChannel;
  readonly runtime: Runtime;
  readonly heartbeatIntervalMs: () => number;
  /** How long a start waits for the end of another broker with its id: that may be a life of its own, killed just now. */
  readonly idWaitMs: () => number;
  /** How long a stop waits for the leaderships to be handed over. */
  readonly handoverTimeoutMs: () => number;
  readonly onRegistered: (brokerEpoch: number) => void;
  /**
   * Told when this broker is cut off, and when it is not any more: it does not see the metadata, by which others have its
   * place. What it would answer to clients is outdated.
   */
  readonly onCutOff: (isCutOff: boolean) => void;
  /**
   * Told when another process has this broker's place, once this one has started: nothing is said any more in the name of the
   * broker, and the process has to stop.
   */
  readonly onSuperseded: (error: SupersededError) => void;
}

const RETRY_MS = 100;
/** Between lines of the log that say the same. */
const REMINDER_MS = 10_000;
/** Who was controller may be starting as well, or stand still: who has the office is looked up again after that. */
const REGISTRATION_TIMEOUT_MS = 10_000;
/** While something is awaited, heartbeats come faster. */
const IMPATIENT_HEARTBEAT_MS = 50;

/** A coordination service that does not answer holds up no stop. */
const LEAVE_TIMEOUT_MS = 2000;

/** After an unclean stop no earlier life is vouched for. */
const NO_PREVIOUS_EPOCH = -1;

/** How often it is looked whether another broker with the same id has ended. */
const ID_IN_USE_RETRY_MS = 500;

/**
 * A broker's life in its cluster: announced to the coordination service, registered with the controller, kept alive by
 * heartbeats, unfenced once it has caught up, and its leaderships handed over before it stops.
 */
export class BrokerLifecycle {
  readonly #options: BrokerLifecycleOptions;
  readonly #unsubscribe: () => void;
  #brokerEpoch = NO_PREVIOUS_EPOCH;
  #isFenced = true;
  #wantShutDown = false;
  #isCutOff = false;
  #timer: Timer | null = null;
  #beating: Promise<void> | null = null;
  #renewing: Promise<void> | null = null;
  /** Whether the announcement has ended, or may have, since it was renewed last. */
  #isAnnouncementLost = false;
  #closed = false;
  #hasStarted = false;
  #superseded: SupersededError | null = null;
  #remindedMs = Number.NEGATIVE_INFINITY;
  /** Until when an id that is in use may still become free. */
  #idWaitEndMs = Number.NEGATIVE_INFINITY;
  #mayStop: () => void = () => {};

  constructor(options: BrokerLifecycleOptions) {
    this.#options = options;
    this.#unsubscribe = options.log.liveness.onLost(() => this.#announcementLost());
  }

  /**
   * Announces and registers the broker; resolves when it is unfenced, and its image says so.
   * @throws StartupError when another broker has its id and does not end, the cluster is another one, or at levels that this
   * one cannot run at; SupersededError when it is started once more meanwhile
   */
  async start(): Promise<void> {
    this.#checkLevels();
    await this.#announceOnceFree();
    if (this.#closed) return;
    await this.#options.gateway.stand();
    await this.#register();
    this.#idWaitEndMs = Number.NEGATIVE_INFINITY;
    while (this.#isFenced && !this.#closed) {
      await this.#beat();
      if (this.#isFenced) await this.#pause(IMPATIENT_HEARTBEAT_MS);
    }
    if (this.#superseded !== null) throw this.#superseded;
    this.#hasStarted = true;
    await this.#options.follower.catchUp();
    this.#planHeartbeat();
  }

  /** Says now what the next heartbeat would. */
  async report(): Promise<void> {
    await this.#beating;
    await this.#beat();
  }

  /** Has the leaderships handed over, where a controller can be found in time, and lets the office go. */
  async stop(): Promise<void> {
    const { runtime, handoverTimeoutMs } = this.#options;
    if (this.#brokerEpoch !== NO_PREVIOUS_EPOCH && !this.#closed) {
      const stopped = new Promise<void>((resolve) => {
        this.#mayStop = resolve;
      });
      const timer = runtime.timers.schedule(
        handoverTimeoutMs(),
        () => {
          runtime.logger.warn("the leaderships of this broker could not be handed over in time");
          this.#mayStop();
        },
        { keepAlive: true },
      );
      this.#wantShutDown = true;
      this.#planHeartbeat();
      await stopped;
      timer.cancel();
    }
    await this.close();
  }

  /** Ends the heartbeats and takes the announcement back. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#unsubscribe();
    await this.#beating;
    await Promise.race([this.#takeLeave(), this.#pause(LEAVE_TIMEOUT_MS)]);
  }

  /** What it has of the coordination service goes back at once, and not only with its session. */
  async #takeLeave(): Promise<void> {
    const { gateway, log, announcement, runtime } = this.#options;
    try {
      await gateway.resign();
      await log.liveness.withdraw(announcement.brokerId);
    } catch (error) {
      runtime.logger.warn("this broker's announcement lasts until its session ends", { err: error });
    }
  }

  /**
   * Who was killed, and starts with an empty disk, is another one than who is still announced: until that session ends.
   * Afterwards the controller has to fence it, which takes its time too.
   */
  async #announceOnceFree(): Promise<void> {
    this.#startIdWait();
    while (!this.#closed) {
      try {
        await this.#announce();
        this.#startIdWait();
        return;
      } catch (error) {
        if (!(error instanceof StartupError) || this.#isIdWaitOver()) throw error;
        this.#remind("waiting for the end of another broker with this id, or of its session", error);
        await this.#pause(ID_IN_USE_RETRY_MS);
      }
    }
  }

  #startIdWait(): void {
    const { runtime, idWaitMs } = this.#options;
    this.#idWaitEndMs = runtime.clock.monotonicMs() + idWaitMs();
  }

  #isIdWaitOver(): boolean {
    return this.#options.runtime.clock.monotonicMs() >= this.#idWaitEndMs;
  }

  async #announce(): Promise<void> {
    const { log, announcement } = this.#options;
    const outcome = await log.liveness.announce(announcement);
    if (outcome.kind === "done") return;
    const { brokerId, directoryId } = outcome.by;
    throw new StartupError(
      `broker id ${brokerId} is in use: a broker with another data directory (${directoryId}) is alive under it; set another node.id`,
    );
  }

  /** The service has forgotten this broker: it was silent too long. It comes back as the same one. */
  #announcementLost(): void {
    const { gateway, runtime } = this.#options;
    gateway.withdraw();
    if (this.#closed) return;
    runtime.logger.warn("this broker's announcement has ended: its session with the coordination service expired");
    this.#renewAnnouncement();
  }

  /** One that is still there stays as it is. */
  #renewAnnouncement(): void {
    this.#isAnnouncementLost = true;
    this.#renewing ??= this.#renew();
  }

  /** What is lost again while it is renewed is renewed again. */
  async #renew(): Promise<void> {
    const { gateway, runtime } = this.#options;
    while (this.#isAnnouncementLost && !this.#closed) {
      this.#isAnnouncementLost = false;
      try {
        if (await this.#hasSuccessor()) return;
        await this.#announce();
        await gateway.stand();
      } catch (error) {
        this.#isAnnouncementLost = true;
        runtime.logger.error("this broker cannot announce itself again", { err: error });
        await this.#pause(RETRY_MS);
      }
    }
    this.#renewing = null;
  }

  /**
   * Whether another process has this broker's place, by the word of the coordination service. Then this one is over. At a
   * start nobody asks: whoever is still announced may be the life before, killed just now, and is replaced.
   */
  async #hasSuccessor(): Promise<boolean> {
    const { log, follower, announcement, endpoints } = this.#options;
    const live = await log.liveness.live();
    const announced = live.find(({ brokerId }) => brokerId === announcement.brokerId);
    if (announced === undefined || announced.incarnationId === null) return false;
    if (announced.incarnationId === announcement.incarnationId) return false;
    await follower.catchUp();
    // Where it can be reached is said with its registration, which comes behind its announcement.
    const isRegistered = brokerById(follower.image, announced.brokerId)?.incarnationId === announced.incarnationId;
    if (!isRegistered) await this.#pause(this.#options.heartbeatIntervalMs());
    this.#end(superseded(announcement, endpoints, announced, follower.image));
    return true;
  }

  /** Nothing is taken back: what there is under this broker's id is the other one's. */
  #end(error: SupersededError): void {
    const { gateway, runtime, onSuperseded } = this.#options;
    if (this.#closed) return;
    this.#closed = true;
    this.#superseded = error;
    this.#timer?.cancel();
    this.#unsubscribe();
    gateway.withdraw();
    this.#mayStop();
    if (!this.#hasStarted) return;
    runtime.logger.error(error.message);
    onSuperseded(error);
  }

  /** Registers, and goes on trying as long as there is no controller to register with. */
  async #register(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#registerOnce();
        return;
      } catch (error) {
        if (error instanceof KafkaError && this.#isFatal(error)) throw refusedRegistration(error);
        this.#checkLevels();
        this.#remind(`this broker is not registered yet: ${whyNot(error)}`, error);
        await this.#pause(RETRY_MS);
      }
    }
  }

  /** Whether a registration cannot get over it by being repeated. */
  #isFatal({ errno }: KafkaError): boolean {
    if (errno === ErrorCode.DUPLICATE_BROKER_REGISTRATION) return this.#isIdWaitOver();
    return errno === ErrorCode.INCONSISTENT_CLUSTER_ID;
  }

  /** A cluster whose levels this version cannot run at has no place for it, however often it asks. */
  #checkLevels(): void {
    const { follower, features } = this.#options;
    const problem = unsupportedLevel(follower.image.features, features);
    if (problem !== null) throw new StartupError(problem);
  }

  async #registerOnce(): Promise<void> {
    const { announcement, clusterId, endpoints, features, rack, logDirs, channel, follower, onRegistered } =
      this.#options;
    const { brokerId, incarnationId } = announcement;
    const registration = {
      brokerId,
      clusterId,
      incarnationId,
      listeners: endpoints,
      features,
      rack,
      logDirs: logDirs().online,
      previousBrokerEpoch: this.#previousEpoch(),
    };
    const response = await channel.request(brokerRegistrationApi, 4, registration, REGISTRATION_TIMEOUT_MS);
    if (response.errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(response.errorCode);
    this.#brokerEpoch = response.brokerEpoch;
    this.#isFenced = true;
    onRegistered(response.brokerEpoch);
    await follower.catchUpTo(response.brokerEpoch);
  }

  /** The life for which it is vouched that nothing of it is lost. */
  #previousEpoch(): number {
    return this.#brokerEpoch === NO_PREVIOUS_EPOCH ? this.#options.previousBrokerEpoch : this.#brokerEpoch;
  }

  #planHeartbeat(): void {
    this.#timer?.cancel();
    if (this.#closed) return;
    const isImpatient = this.#wantShutDown || (this.#isFenced && !this.#isCutOff);
    const intervalMs = this.#options.heartbeatIntervalMs();
    const delayMs = isImpatient ? Math.min(IMPATIENT_HEARTBEAT_MS, intervalMs) : intervalMs;
    this.#timer = this.#options.runtime.timers.schedule(delayMs, () => {
      void this.#beat().then(() => this.#planHeartbeat());
    });
  }

  #beat(): Promise<void> {
    this.#beating ??= this.#beatOnce()
      .catch((error) => this.#remind("a heartbeat was not answered", error))
      .finally(() => {
        this.#beating = null;
        this.#lookWhetherCutOff();
      });
    return this.#beating;
  }

  #lookWhetherCutOff(): void {
    const { log, runtime, onCutOff } = this.#options;
    const isCutOff = this.#isFenced && log.liveness.isInDoubt;
    if (isCutOff === this.#isCutOff || this.#closed) return;
    this.#isCutOff = isCutOff;
    if (isCutOff)
      runtime.logger.warn("this broker is fenced, and cut off from the metadata: it serves nobody until it is back");
    else runtime.logger.info("this broker sees the metadata again");
    onCutOff(isCutOff);
  }

  async #beatOnce(): Promise<void> {
    const { announcement, channel, follower, heartbeatIntervalMs, log, logDirs } = this.#options;
    const beat = {
      brokerId: announcement.brokerId,
      brokerEpoch: this.#brokerEpoch,
      currentMetadataOffset: follower.image.offset,
      wantFence: false,
      wantShutDown: this.#wantShutDown,
      offlineLogDirs: logDirs().offline,
    };
    const timeoutMs = Math.max(MIN_HEARTBEAT_TIMEOUT_MS, heartbeatIntervalMs());
    const { errorCode, isFenced, shouldShutDown } = log.liveness.isInDoubt
      ? await this.#askAround(beat, timeoutMs)
      : await channel.request(brokerHeartbeatApi, 1, beat, timeoutMs);
    if (errorCode === ErrorCode.STALE_BROKER_EPOCH || errorCode === ErrorCode.BROKER_ID_NOT_REGISTERED) {
      // It was unregistered, the cluster has begun anew, or another process has its place.
      if (this.#wantShutDown) return this.#mayStop();
      this.#isFenced = true;
      this.#lookWhetherCutOff();
      if (!(await this.#hasSuccessor())) await this.#register();
      return;
    }
    if (errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(errorCode);
    // Somebody has removed the announcement, or put another in its place: a copy that may never come to be registered.
    if (isFenced && !this.#isFenced) this.#renewAnnouncement();
    this.#isFenced = isFenced;
    if (shouldShutDown) this.#mayStop();
  }

  /**
   * Who has the office now cannot be looked up, and this broker itself may have lost it unheard: all are asked, it too.
   * One of them may be mistaken in the same way; that this broker is fenced nobody says who has not written it down.
   * @throws KafkaError NOT_CONTROLLER when none of them is the controller
   */
  async #askAround(beat: RequestInput<typeof brokerHeartbeatApi>, timeoutMs: number) {
    const { channel, follower, announcement, gateway } = this.#options;
    const others = [...follower.image.brokers.values()].filter(({ brokerId }) => brokerId !== announcement.brokerId);
    const asked = others.map(({ brokerId }) => channel.requestTo(brokerId, brokerHeartbeatApi, 1, beat, timeoutMs));
    if (gateway.isActive) asked.push(channel.request(brokerHeartbeatApi, 1, beat, timeoutMs));
    const settled = await Promise.allSettled(asked);
    const answers = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const known = answers.filter(({ errorCode }) => errorCode === ErrorCode.NONE);
    const answer = known.find(({ isFenced }) => isFenced) ?? known[0];
    if (answer === undefined) throw KafkaError.fromCode(ErrorCode.NOT_CONTROLLER);
    return answer;
  }

  #remind(message: string, error: unknown): void {
    const { runtime } = this.#options;
    const nowMs = runtime.clock.monotonicMs();
    if (this.#closed || nowMs - this.#remindedMs < REMINDER_MS) return;
    this.#remindedMs = nowMs;
    runtime.logger.warn(message, { err: error });
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.runtime.timers.schedule(delayMs, resolve, { keepAlive: true });
    });
  }
}

/** A heartbeat that brings about changes waits for them to be in the metadata log. */
const MIN_HEARTBEAT_TIMEOUT_MS = 5000;

function whyNot(error: unknown): string {
  const isIdInUse = error instanceof KafkaError && error.errno === ErrorCode.DUPLICATE_BROKER_REGISTRATION;
  return isIdInUse ? "the controller still has another one with its id for alive" : "no controller answers";
}

function refusedRegistration({ errno, message }: KafkaError): StartupError {
  const isOther = errno === ErrorCode.INCONSISTENT_CLUSTER_ID;
  return new StartupError(
    isOther
      ? "the controller is of another cluster than this broker's data directory"
      : `the controller refuses this broker's registration: ${message}`,
  );
}

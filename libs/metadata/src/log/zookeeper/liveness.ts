import type { Clock } from "@ottla/runtime";
import { isZooKeeperError, type Znode, type ZnodeOperation, type ZooKeeper } from "@ottla/zookeeper";
import { Listeners } from "../listeners.ts";
import type { AnnounceOutcome, BrokerAnnouncement, BrokerLiveness } from "../metadata-log.ts";
import { decodeAnnouncement, encodeAnnouncement, type ZooKeeperPaths } from "./layout.ts";
import type { PatientClient } from "./patient-client.ts";
import { StandingWatch } from "./standing-watch.ts";

/** Who is alive: the ephemeral znodes below `/brokers/ids`. */
export class ZooKeeperLiveness implements BrokerLiveness {
  readonly #client: ZooKeeper;
  readonly #patient: PatientClient;
  readonly #paths: ZooKeeperPaths;
  readonly #clock: Clock;
  readonly #changes: StandingWatch;
  readonly #lost = new Listeners();
  /** Whom this session has announced. */
  #announced: number | null = null;
  /** Sessions that have ended so far. */
  #expired = 0;
  /** Since when there has been no connection, on the monotonic clock; null while there is one. */
  #disconnectedMs: number | null = null;

  constructor(client: ZooKeeper, patient: PatientClient, paths: ZooKeeperPaths, clock: Clock) {
    this.#client = client;
    this.#patient = patient;
    this.#paths = paths;
    this.#clock = clock;
    this.#changes = new StandingWatch(client, (watch) => client.children(paths.brokerIds, watch));
    client.onSessionEvent((event) => {
      this.#disconnectedMs = event === "disconnected" ? clock.monotonicMs() : null;
      if (event !== "expired") return;
      this.#expired++;
      if (this.#announced === null) return;
      this.#announced = null;
      this.#lost.notify();
    });
  }

  get isInDoubt(): boolean {
    return (
      this.#disconnectedMs !== null && this.#clock.monotonicMs() - this.#disconnectedMs > this.#client.sessionTimeoutMs
    );
  }

  /**
   * Repeats what may or may not have been done: announcing twice in one session is announcing once. What a session has
   * announced is gone with it, should its end be heard of before the answer.
   */
  async announce(broker: BrokerAnnouncement): Promise<AnnounceOutcome> {
    for (;;) {
      const expired = this.#expired;
      try {
        const outcome = await this.#announce(broker);
        if (expired !== this.#expired) continue;
        if (outcome.kind === "done") this.#announced = broker.brokerId;
        return outcome;
      } catch (error) {
        // What was there has just gone or come, or the answer was lost: look again.
        if (!isZooKeeperError(error, "NODE_EXISTS", "NO_NODE", "BAD_VERSION", "CONNECTION_LOSS")) throw error;
      }
    }
  }

  async withdraw(brokerId: number): Promise<void> {
    if (this.#announced !== brokerId) return;
    this.#announced = null;
    await this.#patient.settle(
      () => this.#client.remove(this.#paths.brokerId(brokerId), -1),
      "NO_NODE",
      "SESSION_EXPIRED",
    );
  }

  async live(): Promise<readonly BrokerAnnouncement[]> {
    await this.#patient.sync(this.#paths.brokerIds);
    const ids = (await this.#patient.children(this.#paths.brokerIds)).map(Number).sort((a, b) => a - b);
    const announcements = await Promise.all(ids.map((id) => this.#read(id)));
    return announcements.flatMap((found) => (found === null ? [] : [found.announcement]));
  }

  onChange(listener: () => void): () => void {
    return this.#changes.add(listener);
  }

  onLost(listener: () => void): () => void {
    return this.#lost.add(listener);
  }

  async #announce(broker: BrokerAnnouncement): Promise<AnnounceOutcome> {
    const path = this.#paths.brokerId(broker.brokerId);
    const create: ZnodeOperation = {
      type: "create",
      path,
      data: encodeAnnouncement(broker, this.#clock.nowMs()),
      ephemeral: true,
    };
    await this.#patient.sync(path);
    const existing = await this.#read(broker.brokerId);
    if (existing === null) {
      await this.#client.multi([create]);
      return { kind: "done" };
    }
    const { announcement, znode } = existing;
    if (announcement.directoryId !== broker.directoryId) return { kind: "id-in-use", by: announcement };
    const isOurs = znode.stat.ephemeralOwner === this.#client.sessionId;
    if (isOurs && announcement.incarnationId === broker.incarnationId) return { kind: "done" };
    await this.#replace(path, znode, create);
    return { kind: "done" };
  }

  /**
   * Replaces what an earlier process of the same data directory has left behind. The directory's lock says that it is
   * dead, so the office that it may have had falls vacant too.
   */
  async #replace(path: string, left: Znode, create: ZnodeOperation): Promise<void> {
    const operations: ZnodeOperation[] = [{ type: "remove", path, version: left.stat.version }, create];
    const { controller } = this.#paths;
    const office = await this.#patient.exists(controller);
    const hadOffice =
      office?.ephemeralOwner === left.stat.ephemeralOwner && office.ephemeralOwner !== this.#client.sessionId;
    if (hadOffice) operations.push({ type: "remove", path: controller, version: -1 });
    await this.#client.multi(operations);
  }

  async #read(brokerId: number): Promise<{ announcement: BrokerAnnouncement; znode: Znode } | null> {
    const path = this.#paths.brokerId(brokerId);
    const znode = await this.#patient.find(path);
    return znode === null ? null : { announcement: decodeAnnouncement(brokerId, znode.data, path), znode };
  }
}

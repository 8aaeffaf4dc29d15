import type { Runtime } from "@ottla/runtime";
import type { Znode, ZnodeOperation, ZooKeeper } from "@ottla/zookeeper";
import { Listeners } from "../listeners.ts";
import type { AnnounceOutcome, BrokerAnnouncement, BrokerLiveness, LiveBroker } from "../metadata-log.ts";
import { Doubt } from "./doubt.ts";
import { decodeAnnouncement, encodeAnnouncement, type ZooKeeperPaths } from "./layout.ts";
import type { PatientClient } from "./patient-client.ts";
import { StandingWatch } from "./standing-watch.ts";

/** What was there has just gone or come, the answer was lost, or another session has begun: it is looked at again. */
const PASSING_WHILE_ANNOUNCING = [
  "NODE_EXISTS",
  "NO_NODE",
  "BAD_VERSION",
  "CONNECTION_LOSS",
  "SESSION_MOVED",
  "SESSION_EXPIRED",
] as const;

/** Who is alive: the ephemeral znodes below `/brokers/ids`. */
export class ZooKeeperLiveness implements BrokerLiveness {
  readonly #client: ZooKeeper;
  readonly #patient: PatientClient;
  readonly #paths: ZooKeeperPaths;
  readonly #runtime: Pick<Runtime, "clock" | "timers" | "logger">;
  readonly #changes: StandingWatch;
  readonly #lost = new Listeners();
  /** Znodes of which it was said that they cannot be read. */
  readonly #complainedOf = new Set<string>();
  /** Whom this session has announced. */
  #announced: number | null = null;
  /** Sessions that have ended so far. */
  #expired = 0;
  readonly #doubt: Doubt;

  constructor(
    client: ZooKeeper,
    patient: PatientClient,
    paths: ZooKeeperPaths,
    runtime: Pick<Runtime, "clock" | "timers" | "logger">,
  ) {
    this.#client = client;
    this.#patient = patient;
    this.#paths = paths;
    this.#runtime = runtime;
    this.#changes = new StandingWatch(client, (watch) => client.children(paths.brokerIds, watch));
    this.#doubt = new Doubt(client, runtime);
    client.onSessionEvent((event) => {
      if (event !== "expired") return;
      this.#expired++;
      if (this.#announced === null) return;
      this.#announced = null;
      this.#lost.notify();
    });
  }

  get isInDoubt(): boolean {
    return this.#doubt.isInDoubt;
  }

  /**
   * Repeats what may or may not have been done: announcing twice in one session is announcing once. What a session has
   * announced is gone with it, should its end be heard of before the answer.
   */
  async announce(broker: BrokerAnnouncement): Promise<AnnounceOutcome> {
    for (;;) {
      const outcome = await this.#patient.repeat(() => this.#announceIn(broker), PASSING_WHILE_ANNOUNCING);
      if (outcome !== null) return outcome;
    }
  }

  /** Null where the session has ended meanwhile. */
  async #announceIn(broker: BrokerAnnouncement): Promise<AnnounceOutcome | null> {
    const expired = this.#expired;
    const outcome = await this.#announce(broker);
    if (expired !== this.#expired) return null;
    if (outcome.kind === "done") this.#announced = broker.brokerId;
    return outcome;
  }

  async withdraw(brokerId: number): Promise<void> {
    if (this.#announced !== brokerId) return;
    this.#announced = null;
    const path = this.#paths.brokerId(brokerId);
    await this.#patient.sync(path);
    // Another process of the same data directory may have replaced it: a copy of the directory.
    const znode = await this.#patient.exists(path);
    if (znode?.ephemeralOwner !== this.#client.sessionId) return;
    await this.#patient.settle(() => this.#client.remove(path, -1), "NO_NODE", "SESSION_EXPIRED");
  }

  async live(): Promise<readonly LiveBroker[]> {
    await this.#patient.sync(this.#paths.brokerIds);
    const names = (await this.#patient.children(this.#paths.brokerIds)).filter((name) => /^\d+$/.test(name));
    const ids = names.map(Number).sort((a, b) => a - b);
    const found = await Promise.all(ids.map((id) => this.#look(id)));
    return found.filter((broker) => broker !== null);
  }

  /** One whose znode is corrupt is there: whoever has announced it is, or the znode were gone. */
  async #look(brokerId: number): Promise<LiveBroker | null> {
    const path = this.#paths.brokerId(brokerId);
    const znode = await this.#patient.find(path);
    if (znode === null) return null;
    try {
      const announcement = decodeAnnouncement(brokerId, znode.data, path);
      this.#complainedOf.delete(path);
      return announcement;
    } catch (error) {
      this.#complain(path, error);
      return { brokerId, incarnationId: null, directoryId: null };
    }
  }

  /** Says nothing of the connection any more. */
  close(): void {
    this.#doubt.close();
  }

  #complain(path: string, error: unknown): void {
    if (this.#complainedOf.has(path)) return;
    this.#complainedOf.add(path);
    this.#runtime.logger.error("a broker's announcement cannot be read: which life it is of is not known", {
      err: error,
    });
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
      data: encodeAnnouncement(broker, this.#runtime.clock.nowMs()),
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

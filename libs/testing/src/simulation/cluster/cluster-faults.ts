import type { CrashKind, Random } from "@ottla/runtime";
import { type SimulatedCluster, ZOOKEEPER_SESSION_MS } from "../simulated-cluster.ts";
import type { SimulatedProcess } from "../simulated-process.ts";
import type { SimulatedWorld } from "../simulated-world.ts";
import type { MetadataTruth } from "./metadata-truth.ts";
import { Unsafe } from "./unsafe.ts";

/** How often each fault of brokers, network and ZooKeeper is tried, in one of so many steps. */
export const CLUSTER_FAULTS = {
  kill: 110,
  powerCut: 110,
  stop: 160,
  pause: 160,
  diskFull: 250,
  isolate: 250,
  cutPair: 200,
  cutOneWay: 110,
  lag: 150,
  breakConnection: 20,
  clockJump: 100,
  cutFromZooKeeper: 200,
  expireSession: 150,
  breakZooKeeperConnection: 60,
  zooKeeperFailover: 250,
  zooKeeperOutage: 400,
} as const;

export type ClusterFault = keyof typeof CLUSTER_FAULTS;

/** What befalls the brokers of a cluster, the network between them and the ensemble they share. */
export class ClusterFaults {
  readonly #world: SimulatedWorld;
  readonly #random: Random;
  readonly #cluster: SimulatedCluster;
  readonly #unsafe: Unsafe;
  readonly #aSkewMs: () => number;

  constructor(world: SimulatedWorld, cluster: SimulatedCluster, truth: MetadataTruth, aSkewMs: () => number) {
    this.#world = world;
    this.#random = world.random;
    this.#cluster = cluster;
    this.#unsafe = new Unsafe(truth);
    this.#aSkewMs = aSkewMs;
  }

  /** Each says whether it found something to hit. */
  readonly actions: Record<ClusterFault, () => boolean> = {
    kill: () => this.#kill("process"),
    powerCut: () => this.#kill("power"),
    stop: () => this.#cluster.toOne((broker) => this.#cluster.stop(broker)),
    /** Mostly for longer than its sessions last: it wakes as a zombie. */
    pause: () =>
      this.#cluster.toOne((broker) => {
        const durationMs = 500 + this.#random.nextInt(3 * ZOOKEEPER_SESSION_MS);
        if (durationMs > ZOOKEEPER_SESSION_MS) this.#world.tally.add("zombie");
        this.#cluster.pause(broker, durationMs);
      }),
    diskFull: () =>
      this.#cluster.toOne((broker) => this.#cluster.fillDisk(broker, 0.5, 50 + this.#random.nextInt(500))),
    isolate: () =>
      this.#cluster.toOne(({ process }) => {
        process!.isCutOff = true;
        this.#world.later(500 + this.#random.nextInt(8_000), () => {
          process!.isCutOff = false;
        });
      }),
    cutPair: () => this.#cut(true),
    cutOneWay: () => this.#cut(false),
    lag: () =>
      this.#cluster.toOne(({ process }) => {
        process!.lagMs = this.#random.nextInt(400);
        this.#world.later(1_000 + this.#random.nextInt(5_000), () => {
          process!.lagMs = 0;
        });
      }),
    breakConnection: () => this.#world.breakConnection(),
    clockJump: () =>
      this.#cluster.toOne(({ process }) => {
        process!.skewMs = this.#aSkewMs();
      }),
    cutFromZooKeeper: () =>
      this.#toSession((session) => {
        session.partition();
        this.#world.later(200 + this.#random.nextInt(2 * ZOOKEEPER_SESSION_MS), () => session.heal());
      }),
    expireSession: () => this.#toSession((session) => session.expire()),
    breakZooKeeperConnection: () => this.#toSession((session) => session.breakConnection()),
    zooKeeperFailover: () => this.#failZooKeeper(50 + this.#random.nextInt(500)),
    zooKeeperOutage: () => this.#failZooKeeper(ZOOKEEPER_SESSION_MS + this.#random.nextInt(2 * ZOOKEEPER_SESSION_MS)),
  };

  /**
   * A leader has asked for a larger ISR, and is cut off before it is heard; until it is back, whoever was to join has lost
   * its unsynced data and lives anew.
   */
  joinerLoses(leader: SimulatedProcess): boolean {
    const broker = this.#cluster.candidates.find(({ process }) => process === leader)?.broker;
    for (const { leadership, image } of broker?.services.partitions.all() ?? []) {
      const joiningId = leadership?.maximalIsr.find((id) => !image.isr.includes(id));
      const joining = this.#cluster.candidates.find((one) => one.broker?.services.nodeId === joiningId);
      if (joining === undefined || !this.#unsafe.mayLose(joining, "power")) continue;
      this.#unsafe.loses(joining, "power");
      this.#world.tally.add("fault joinerLoses");
      leader.isCutOff = true;
      this.#world.later(1_000 + this.#random.nextInt(1_500), () => {
        leader.isCutOff = false;
      });
      this.#world.later(0, () => this.#cluster.kill(joining, "power", 20));
      return true;
    }
    return false;
  }

  /** Who has been elected controller stands still before it has done anything, and its predecessor finds the ensemble again. */
  pauseElected(brokerId: number): void {
    this.#world.tally.add("fault electedPaused");
    const elected = this.#cluster.brokers[brokerId - 1]!;
    this.#world.later(0, () => {
      this.#cluster.pause(elected, 300 + this.#random.nextInt(1_500));
      for (const other of this.#cluster.brokers) if (other !== elected) this.#cluster.sessionOf(other)?.heal();
    });
  }

  #kill(kind: CrashKind): boolean {
    const broker = this.#world.anyOf(this.#cluster.candidates.filter((one) => this.#unsafe.mayLose(one, kind)));
    if (broker === undefined) return false;
    this.#unsafe.loses(broker, kind);
    // Some are back before anybody has noticed.
    const downMs = this.#random.nextInt(3) === 0 ? 20 : 500 + this.#random.nextInt(6_000);
    this.#cluster.kill(broker, kind, downMs);
    return true;
  }

  #toSession(action: (session: NonNullable<ReturnType<SimulatedCluster["sessionOf"]>>) => void): boolean {
    const session = this.#cluster.sessionOf(this.#world.anyOf(this.#cluster.candidates));
    if (session !== undefined) action(session);
    return session !== undefined;
  }

  #failZooKeeper(durationMs: number): boolean {
    const { model } = this.#cluster.zooKeeper!;
    if (model.isDown) return false;
    model.fail();
    this.#world.later(durationMs, () => model.recover());
    return true;
  }

  #cut(bothWays: boolean): boolean {
    const { network } = this.#world;
    const from = this.#world.anyOf(this.#cluster.brokers)!.name;
    const to = this.#world.anyOf(this.#cluster.brokers.filter(({ name }) => name !== from))!.name;
    network.block(from, to);
    if (bothWays) network.block(to, from);
    this.#world.later(500 + this.#random.nextInt(8_000), () => {
      network.unblock(from, to);
      if (bothWays) network.unblock(to, from);
    });
    return true;
  }
}

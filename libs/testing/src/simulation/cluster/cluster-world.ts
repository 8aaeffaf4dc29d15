import type { ConfigValues } from "@ottla/broker";
import type { Logger } from "@ottla/runtime";
import type { ModelFault } from "@ottla/zookeeper";
import type { SimulatedBroker } from "../simulated-broker.ts";
import { SimulatedCluster } from "../simulated-cluster.ts";
import type { Arrival, Exchange, Fate } from "../simulated-link.ts";
import type { SimulatedProcess } from "../simulated-process.ts";
import { SimulatedWorld } from "../simulated-world.ts";
import type { Tally } from "../tally.ts";
import { ClusterFaults } from "./cluster-faults.ts";
import { ClusterInvariants } from "./cluster-invariants.ts";
import { COUNTED_APIS, countAnswer, ReorderCount, TRANSACTION_APIS } from "./cluster-wire.ts";
import { MetadataTruth } from "./metadata-truth.ts";
import { OperatorRequests } from "./operator-requests.ts";

export const BROKERS = 3;

/** As much as quartz may be off, many times over. */
const RATE_OFF_MAX = 0.02;
const OPERATION_TIMEOUT_MS = 20_000;

/** How long a fault lasts at the most. */
const FAULT_MS_MAX = 10_000;

/** How long a delayed message is under way. */
const DELAY_MS_MAX = 3_000;

/** No answer takes longer where nothing goes wrong. */
const ANSWER_MS_MAX = 10_000;
/** A Fetch waits for half a second, or for as long as it takes to read. Whoever asked gives up after two more. */
const FETCH_MS_MAX = 2_000;
const WAIT_FOR_MEMBERS: ReadonlySet<string> = new Set(["JoinGroup", "SyncGroup"]);

const CONFIG = {
  "group.min.session.timeout.ms": 1_000,
  "group.consumer.min.session.timeout.ms": 1_000,
  "group.consumer.session.timeout.ms": 6_000,
  "group.consumer.min.heartbeat.interval.ms": 500,
  "group.consumer.heartbeat.interval.ms": 1_000,
  "log.cleaner.enable": false,
  "log.roll.ms": 5_000,
  "log.index.interval.bytes": 512,
  "log.flush.offset.checkpoint.interval.ms": 3_000,
  "replica.high.watermark.checkpoint.interval.ms": 1_000,
  "auto.create.topics.enable": false,
  "max.incremental.fetch.session.cache.slots": 4,
};

const ZOOKEEPER_FAULTS: ZooKeeperFaults = {
  "lost-request": 300,
  "lost-answer": 300,
  "late-request": 300,
  "stale-read": 40,
  expired: 3_000,
};

/** How often each fault hits an operation: once in so many. */
export type ZooKeeperFaults = Readonly<Partial<Record<ModelFault, number>>>;

/** What is under way to a disk when something else happens. */
const DISK_FAULTS = { slow: 0.01 };

/** What happens once in so many times at occasions of its own: a request comes late, a new controller is paused at once. */
const RARE = {
  lateAlterPartition: 4,
  lateTransactionRequest: 40,
  lateEndTxn: 40,
  lateRequest: 1_000,
  lostTransactionMessage: 150,
  lostMessage: 800,
  delayedMessage: 200,
  joinerLoses: 4,
  electedPaused: 4,
};

export type RareEvents = Readonly<Partial<Record<keyof typeof RARE, number>>>;

/** Of a simulation in a {@link ClusterWorld}, whose faults are of these kinds. */
export interface ClusterSimulationOptions<Fault extends string> {
  /** Faults that are to be tried more often, or less. */
  readonly onceIn?: Readonly<Partial<Record<Fault, number>>>;
  readonly rare?: RareEvents;
  /** Faults of the ensemble that come on top of those of all simulated clusters. */
  readonly zooKeeperFaults?: ZooKeeperFaults;
  /** How long faults go on. */
  readonly faultsMs?: number;
  readonly logger?: Logger;
}

export interface ClusterWorldOptions {
  readonly seed: number;
  readonly tally: Tally;
  /** What differs from, or comes on top of, what all simulated clusters have. */
  readonly config: ConfigValues;
  /** Clocks are so far off at the most. */
  readonly skewMsMax: number;
  readonly rare?: RareEvents;
  readonly zooKeeperFaults?: ZooKeeperFaults;
  readonly logger?: Logger;
  /** Told of each message as it arrives. */
  readonly onArrived?: (arrival: Arrival) => void;
}

/**
 * Three brokers on an ensemble of ZooKeeper in a world where everything goes wrong that can ({@link ClusterFaults}, and
 * messages that are lost, late, delayed and overtaken); all along {@link ClusterInvariants} and {@link MetadataTruth} hold.
 */
export class ClusterWorld {
  readonly world: SimulatedWorld;
  readonly cluster: SimulatedCluster;
  readonly truth: MetadataTruth;
  readonly invariants: ClusterInvariants;
  readonly faults: ClusterFaults;
  readonly #tally: Tally;
  readonly #rare: Readonly<Record<keyof typeof RARE, number>>;
  readonly #skewMsMax: number;
  readonly #reorders: ReorderCount;
  readonly #operator: OperatorRequests;
  readonly #onArrived: (arrival: Arrival) => void;
  /** Since when nothing goes wrong any more, no message of before is under way, and all brokers serve. */
  #calmSinceMs = Number.POSITIVE_INFINITY;

  constructor(options: ClusterWorldOptions) {
    const { seed, tally, config, skewMsMax, rare, zooKeeperFaults, logger, onArrived = () => {} } = options;
    this.#tally = tally;
    this.#rare = { ...RARE, ...rare };
    this.#skewMsMax = skewMsMax;
    this.#onArrived = onArrived;
    this.world = new SimulatedWorld({
      ...{ seed, tally },
      fateOf: (exchange, direction) => this.#fateOf(exchange, direction),
      latencyMs: () => this.#latencyMs(),
      onArrived: (arrival) => this.#arrived(arrival),
    });
    this.#reorders = new ReorderCount(tally);
    const violated = (error: unknown) => this.world.violated(error);
    this.truth = new MetadataTruth(tally, violated);
    this.truth.onElected = (brokerId) => this.#elected(brokerId);
    this.invariants = new ClusterInvariants(this.truth, violated);
    this.cluster = new SimulatedCluster({
      ...{
        world: this.world,
        brokers: BROKERS,
        config: { ...CONFIG, ...config },
        zooKeeperFaults: { ...ZOOKEEPER_FAULTS, ...zooKeeperFaults },
        diskFaults: DISK_FAULTS,
      },
      clock: () => ({ skewMs: this.aSkewMs(), rate: 1 + RATE_OFF_MAX * (2 * this.world.random.nextFloat() - 1) }),
      onCommit: (commit) => {
        this.truth.onCommit(commit);
        this.invariants.checkIsrs();
      },
      ...(logger !== undefined && { logger }),
    });
    this.faults = new ClusterFaults(this.world, this.cluster, this.truth, () => this.aSkewMs());
    const client = this.world.operatorClient(this.cluster.bootstrapServers);
    const requestTimeoutMs = OPERATION_TIMEOUT_MS;
    this.#operator = new OperatorRequests({ ...client, clientId: "operator", requestTimeoutMs });
  }

  /** Lets time pass. @throws the first violation */
  async step(): Promise<void> {
    await this.world.step();
    this.invariants.check(this.cluster.brokers);
    this.#checkWaits();
  }

  /**
   * Once nothing goes wrong any more every request is answered, and soon: what a timeout would heal at last is not to come
   * about. How long members wait for each other is for their group to say.
   */
  #checkWaits(): void {
    const { network, nowMs } = this.world;
    // Who is starting has its clients wait.
    if (this.cluster.running.length < BROKERS) this.#calmSinceMs = Math.max(this.#calmSinceMs, nowMs);
    if (nowMs - this.#calmSinceMs <= FETCH_MS_MAX) return;
    for (const link of network.links) {
      for (const { apiName, client, server, sentMs } of link.waiting) {
        const waitedMs = nowMs - Math.max(sentMs, this.#calmSinceMs);
        const waitMsMax = apiName === "Fetch" ? FETCH_MS_MAX : ANSWER_MS_MAX;
        if (waitedMs <= waitMsMax || WAIT_FOR_MEMBERS.has(apiName)) continue;
        throw new Error(`${client.name} has waited ${waitedMs} ms for the answer of ${server.name} to its ${apiName}`);
      }
    }
  }

  /** Starts all brokers; until then nothing goes wrong. */
  async start(): Promise<void> {
    this.world.isFaulty = false;
    await this.world.settle(this.cluster.start());
  }

  /** No more faults: who is down comes back. */
  calmDown(): void {
    this.#calmSinceMs = this.world.nowMs + DELAY_MS_MAX;
    this.world.isFaulty = false;
    this.cluster.heal();
  }

  /** What a fault was to undo after its time would undo what comes now. */
  async untilFaultsAreOver(): Promise<void> {
    const endMs = this.#calmSinceMs + FAULT_MS_MAX;
    while (this.world.nowMs < endMs) await this.step();
  }

  /** A broker stands still, until the function that comes back is called. */
  standStill(broker: SimulatedBroker): () => void {
    this.#calmSinceMs = Number.POSITIVE_INFINITY;
    const resume = this.cluster.pauseUntil(broker);
    return () => {
      this.#calmSinceMs = this.world.nowMs;
      resume();
    };
  }

  aSkewMs(): number {
    return this.world.random.nextInt(2 * this.#skewMsMax) - this.#skewMsMax;
  }

  /** What of the cluster is not whole, or null. */
  unsettled(): string | null {
    const { running } = this.cluster;
    if (running.length < BROKERS) return `only ${running.length} brokers serve`;
    return this.invariants.unsettled(running);
  }

  /** What the operator asks for may be refused or take too long: what becomes of it the metadata show. */
  operate(asked: Promise<unknown>): void {
    asked.then(
      () => this.#tally.add("operation done"),
      (error: { readonly code?: string }) => this.#tally.add(`operation refused: ${error.code}`),
    );
  }

  /** The partition that `choose` gives gets other replicas: two or all, in another order, so that others are preferred. */
  reassign(choose: () => readonly [topic: string, partition: number]): boolean {
    const { random } = this.world;
    const broker = this.world.anyOf(this.cluster.candidates);
    if (broker === undefined) return false;
    const [topic, partition] = choose();
    const left = Array.from({ length: BROKERS }, (_, index) => index + 1);
    const replicas: number[] = [];
    for (let count = BROKERS - random.nextInt(2); count > 0; count--)
      replicas.push(...left.splice(random.nextInt(left.length), 1));
    this.operate(this.#operator.reassign(broker.name, topic, partition, replicas));
    return true;
  }

  /** Preferred replicas become the leaders of a topic's first partitions. */
  electLeaders(topic: string, count: number): boolean {
    const broker = this.world.anyOf(this.cluster.candidates);
    if (broker === undefined) return false;
    const partitions = Array.from({ length: count }, (_, partition) => partition);
    this.operate(this.#operator.electPreferred(broker.name, topic, partitions));
    return true;
  }

  #latencyMs(): number {
    const { isFaulty, random } = this.world;
    if (!isFaulty || random.nextInt(this.#rare.delayedMessage) > 0) return 0.1 + random.nextFloat();
    this.#tally.add("delayed message");
    return random.nextInt(DELAY_MS_MAX);
  }

  #fateOf({ apiName, client }: Exchange, direction: "request" | "response"): Fate {
    const fate = this.#anyFate(apiName, direction, client);
    if (fate !== "arrives" && COUNTED_APIS.has(apiName)) this.#tally.add(`${fate} ${direction}: ${apiName}`);
    return fate;
  }

  /** What comes late comes to a cluster that has changed: above all what leaders ask of the controller has to bear that. */
  #anyFate(apiName: string, direction: "request" | "response", client: SimulatedProcess): Fate {
    const isProposal = apiName === "AlterPartition" && direction === "request";
    if (isProposal && this.world.happens(this.#rare.joinerLoses) && this.faults.joinerLoses(client)) return "late";
    // Within a generation nothing fences a commit that comes late: in Kafka too it takes the group back.
    const mayBeLate = direction === "request" && apiName !== "OffsetCommit";
    if (mayBeLate && this.world.happens(this.#lateOnceIn(apiName))) return "late";
    const { lostMessage, lostTransactionMessage } = this.#rare;
    const dice = this.world.random.nextInt(TRANSACTION_APIS.has(apiName) ? lostTransactionMessage : lostMessage);
    if (dice > 2) return "arrives";
    return dice === 0 ? "silence" : "lost";
  }

  #lateOnceIn(apiName: string): number {
    if (apiName === "AlterPartition") return this.#rare.lateAlterPartition;
    if (apiName === "EndTxn") return this.#rare.lateEndTxn;
    return TRANSACTION_APIS.has(apiName) ? this.#rare.lateTransactionRequest : this.#rare.lateRequest;
  }

  #arrived(arrival: Arrival): void {
    this.#reorders.arrived(arrival);
    this.#onArrived(arrival);
    if (arrival.direction === "response") countAnswer(this.#tally, arrival.exchange, arrival.frame);
  }

  #elected(brokerId: number): void {
    if (this.world.isFaulty && this.world.happens(this.#rare.electedPaused)) this.faults.pauseElected(brokerId);
  }
}

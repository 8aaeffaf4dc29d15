import type { Uuid } from "@ottla/protocol";
import type { Random } from "@ottla/runtime";
import type {
  AnnounceOutcome,
  AppendOutcome,
  BrokerAnnouncement,
  BrokerLiveness,
  ClaimOutcome,
  ControllerElection,
  LogHead,
  LogSlice,
  MetadataAppend,
  MetadataLog,
  MetadataSnapshot,
} from "./metadata-log.ts";

export interface FaultyMetadataLogOptions {
  readonly random: Random;
  /** How often an append or claim answers `unknown` although it was done, from 0 to 1. */
  readonly lostAnswerRate: number;
  /** How often an append or claim answers `unknown` and was not done, from 0 to 1. */
  readonly lostRequestRate: number;
  /** How often an append answers `unknown` and is done later, while the caller goes on, from 0 to 1. */
  readonly lateRequestRate: number;
  /** How often a read shows only a part of what is there, from 0 to 1. */
  readonly staleReadRate: number;
  /** How often a hint is not passed on, from 0 to 1. */
  readonly lostHintRate: number;
  /** How often a call takes so long that others overtake it, from 0 to 1. Default: 0. */
  readonly slowCallRate?: number;
  /** How often a call that has no `unknown` fails with an error, whether or not it was done, from 0 to 1. Default: 0. */
  readonly failedCallRate?: number;
}

/** How often each fault happened: a test that saw none of a kind has not tested it. */
export interface FaultCounts {
  lostAnswers: number;
  lostRequests: number;
  lateRequests: number;
  staleReads: number;
  lostHints: number;
  slowCalls: number;
  failedCalls: number;
}

export function noFaults(): FaultCounts {
  return {
    ...{ lostAnswers: 0, lostRequests: 0, lateRequests: 0, staleReads: 0 },
    ...{ lostHints: 0, slowCalls: 0, failedCalls: 0 },
  };
}

const CONNECTION_LOSS = "the connection was lost";

/** How many turns of the event loop a slow call takes more, before and after it is done. */
const SLOW_TURNS = 20;

/**
 * A metadata log that fails in every way that the port allows: outcomes stay unknown whether or not the append was done,
 * reads lag, hints are lost, calls take long or fail. Whoever copes with this one copes with a coordination service.
 */
export class FaultyMetadataLog implements MetadataLog {
  readonly faults: FaultCounts = noFaults();
  readonly election: ControllerElection;
  readonly liveness: BrokerLiveness;
  readonly #log: MetadataLog;
  readonly #options: FaultyMetadataLogOptions;
  /** Appends that are still on their way, after later ones. */
  readonly #late: MetadataAppend[] = [];

  constructor(log: MetadataLog, options: FaultyMetadataLogOptions) {
    this.#log = log;
    this.#options = options;
    this.election = {
      claim: (brokerId) => this.#unreliable<ClaimOutcome>(() => log.election.claim(brokerId)),
      current: () => this.#fallible(() => log.election.current()),
      resign: (controllerEpoch) => this.#fallible(() => log.election.resign(controllerEpoch)),
      onChange: (listener) => log.election.onChange(this.#forgetful(listener)),
    };
    this.liveness = {
      get isInDoubt() {
        return log.liveness.isInDoubt;
      },
      announce: (broker: BrokerAnnouncement): Promise<AnnounceOutcome> =>
        this.#fallible(() => log.liveness.announce(broker)),
      withdraw: (brokerId) => this.#fallible(() => log.liveness.withdraw(brokerId)),
      live: () => this.#fallible(() => log.liveness.live()),
      onChange: (listener) => log.liveness.onChange(this.#forgetful(listener)),
      onLost: (listener) => log.liveness.onLost(listener),
    };
  }

  get appendBytesMax(): number {
    return this.#log.appendBytesMax;
  }

  clusterId(proposed: Uuid): Promise<Uuid> {
    return this.#fallible(() => this.#log.clusterId(proposed));
  }

  adopt(snapshot: MetadataSnapshot, origin: Uuid): Promise<boolean> {
    return this.#fallible(() => this.#log.adopt(snapshot, origin));
  }

  head(): Promise<LogHead> {
    return this.#fallible(() => this.#log.head());
  }

  async read(offset: number): Promise<LogSlice> {
    const slice = await this.#fallible(() => this.#log.read(offset));
    if (slice.kind === "trimmed" || slice.entries.length === 0 || !this.#happens(this.#options.staleReadRate))
      return slice;
    this.faults.staleReads++;
    return { kind: "entries", entries: slice.entries.slice(0, this.#options.random.nextInt(slice.entries.length)) };
  }

  async append(append: MetadataAppend): Promise<AppendOutcome> {
    if (this.#happens(this.#options.lateRequestRate)) {
      this.faults.lateRequests++;
      this.#late.push(append);
      return { kind: "unknown", cause: new Error(CONNECTION_LOSS) };
    }
    const outcome = await this.#unreliable<AppendOutcome>(() => this.#log.append(append));
    for (const late of this.#late.splice(0)) await this.#log.append(late);
    return outcome;
  }

  loadSnapshot(): Promise<MetadataSnapshot | null> {
    return this.#fallible(() => this.#log.loadSnapshot());
  }

  storeSnapshot(snapshot: MetadataSnapshot): Promise<void> {
    return this.#fallible(() => this.#log.storeSnapshot(snapshot));
  }

  onHeadMoved(listener: () => void): () => void {
    return this.#log.onHeadMoved(this.#forgetful(listener));
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  async #unreliable<Outcome>(
    operation: () => Promise<Outcome>,
  ): Promise<Outcome | { readonly kind: "unknown"; readonly cause: unknown }> {
    if (this.#happens(this.#options.lostRequestRate)) {
      this.faults.lostRequests++;
      return { kind: "unknown", cause: new Error(CONNECTION_LOSS) };
    }
    const outcome = await operation();
    if (!this.#happens(this.#options.lostAnswerRate)) return outcome;
    this.faults.lostAnswers++;
    return { kind: "unknown", cause: new Error(CONNECTION_LOSS) };
  }

  /** What has no unknown outcome may take long, and may fail: where it has changed something its caller cannot tell. */
  async #fallible<Outcome>(operation: () => Promise<Outcome>): Promise<Outcome> {
    const { slowCallRate = 0, failedCallRate = 0, random } = this.#options;
    const isSlow = slowCallRate > 0 && this.#happens(slowCallRate);
    if (isSlow) this.faults.slowCalls++;
    if (isSlow) await turns(SLOW_TURNS);
    const isFailed = failedCallRate > 0 && this.#happens(failedCallRate);
    if (isFailed) this.faults.failedCalls++;
    if (isFailed && random.nextInt(2) === 0) throw new Error(CONNECTION_LOSS);
    const outcome = await operation();
    if (isSlow) await turns(SLOW_TURNS);
    if (isFailed) throw new Error(CONNECTION_LOSS);
    return outcome;
  }

  #forgetful(listener: () => void): () => void {
    return () => {
      if (!this.#happens(this.#options.lostHintRate)) return listener();
      this.faults.lostHints++;
    };
  }

  #happens(rate: number): boolean {
    return this.#options.random.nextFloat() < rate;
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
}

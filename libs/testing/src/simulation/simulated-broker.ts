import { type Broker, BrokerConfig, type ConfigValues, settingsFromObject, startBroker } from "@ottla/broker";
import type { MetadataLog } from "@ottla/metadata";
import {
  type CrashKind,
  createSimulatedDisk,
  type Logger,
  type SimulatedDisk,
  type SimulatedRuntime,
  seededRandom,
} from "@ottla/runtime";
import type { SimulatedNetwork } from "./simulated-network.ts";
import { type ClockOptions, SimulatedProcess } from "./simulated-process.ts";

export interface SimulatedBrokerOptions {
  readonly name: string;
  readonly world: SimulatedRuntime;
  readonly network: SimulatedNetwork;
  readonly seed: number;
  readonly config: ConfigValues;
  readonly logger?: Logger;
  /** How a broker of a cluster opens the metadata that all share. */
  readonly openMetadataLog?: (process: SimulatedProcess) => Promise<MetadataLog>;
  readonly clock?: ClockOptions;
  /** What its disk suffers all along. */
  readonly diskFaults?: SimulatedDisk["faults"];
}

const PORT = 9092;
const DIRECTORY = "/data";

/** A whole broker as a process that is killed, stopped, paused and started again on the disk it left behind. */
export class SimulatedBroker {
  readonly bootstrapServers: string;
  readonly #options: SimulatedBrokerOptions;
  #disk: SimulatedDisk;
  #process: SimulatedProcess | undefined;
  #broker: Broker | undefined;
  #lives = 0;

  constructor(options: SimulatedBrokerOptions) {
    this.#options = options;
    this.bootstrapServers = `${options.name}:${PORT}`;
    this.#disk = this.#newDisk();
  }

  /** The process of this life; undefined while there is none. */
  get process(): SimulatedProcess | undefined {
    return this.#process;
  }

  /** The running broker; undefined until it serves, and once it does no more. */
  get broker(): Broker | undefined {
    return this.#broker;
  }

  get name(): string {
    return this.#options.name;
  }

  get disk(): SimulatedDisk {
    return this.#disk;
  }

  /** Starts the process. Resolves when clients are served; never, if it is killed before. */
  async start(): Promise<Broker> {
    const { name, world, network, seed, config, logger, openMetadataLog, clock } = this.#options;
    const process = new SimulatedProcess(name, world, seed + 104_729 * ++this.#lives, {
      ...(logger !== undefined && { logger: logger.child({ broker: name }) }),
      ...clock,
    });
    this.#process = process;
    const listeners = `PLAINTEXT://${this.bootstrapServers}`;
    const broker = await startBroker({
      config: BrokerConfig.fromSettings(settingsFromObject({ ...config, listeners })),
      directories: [{ disk: this.#disk, path: DIRECTORY, name: DIRECTORY }],
      runtime: process.runtime,
      startServer: network.serverOf(process),
      connector: network.connectorOf(process),
      ...(openMetadataLog !== undefined && { openMetadataLog: () => openMetadataLog(process) }),
      onFatal: () => this.kill(),
    });
    if (this.#process === process) this.#broker = broker;
    return broker;
  }

  /** As `kill -9`, or as by a power cut: what was written, or only what was synced, stays. */
  kill(kind: CrashKind = "process"): void {
    const process = this.#process;
    this.#process = undefined;
    this.#broker = undefined;
    process?.kill();
    this.#disk = this.#disk.crash(kind);
  }

  /** As SIGTERM: the process ends in good order, or with an error where the disk does not let it. */
  async stop(): Promise<void> {
    const process = this.#process;
    const broker = this.#broker;
    if (broker === undefined) return;
    this.#broker = undefined;
    await broker.shutdown().catch((error: unknown) => {
      process?.runtime.logger.error("the broker could not stop in good order", { error });
    });
    if (this.#process === process) this.kill();
  }

  #newDisk(): SimulatedDisk {
    const { world, seed, diskFaults = {} } = this.#options;
    return createSimulatedDisk({
      random: seededRandom(seed * 31 + 7),
      clock: world.clock,
      faults: diskFaults,
      // What a killed process waits for never comes: the disk sees to that itself.
      timers: {
        schedule: (delayMs, callback) => world.timers.schedule(delayMs, () => this.#turn(callback)),
        defer: (callback) => this.#turn(callback),
      },
    });
  }

  /** The disk's turns are the process's: while it is paused nothing comes back from the disk. */
  #turn(callback: () => void): void {
    const { timers } = this.#options.world;
    timers.defer(() => (this.#process === undefined ? callback() : this.#process.wake(callback)));
  }
}

import { readFile } from "node:fs/promises";
import {
  BrokerConfig,
  ConfigError,
  type ConfigSetting,
  parseProperties,
  settingFromArgument,
  settingsFromEnvironment,
} from "@ottla/broker";
import { DiskError, type Logger } from "@ottla/runtime";
import { HeapGrowth } from "./heap-growth.ts";
import { createPinoLogger } from "./pino-logger.ts";
import { BrokerStartError, optionSettings, type RunningBroker, startWithSettings } from "./start-broker.ts";

export interface BrokerProcessOptions {
  /** `--port`. */
  readonly port?: number;
  /** `--data`. */
  readonly dataDirectory?: string;
  /** `--memory`. */
  readonly memory?: boolean;
  /** `--config`: a `server.properties` file. */
  readonly configFile?: string;
  /** `--set key=value`, each; stronger than the environment, which is stronger than the file. */
  readonly set?: readonly string[];
  /** Variables `OTTLA_*` set configs. Default: `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

const EXIT_OK = 0;
const EXIT_FAILED = 1;
/** What is wrong is a config, an option or a file of the person's. */
const EXIT_USAGE = 2;
/** How long a start that is told to end may go on, so that it ends cleanly; what hangs has no more to say. */
const START_GRACE_MS = 1000;
const SIGNALS: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

/**
 * Runs a broker as this process: reads its configs, says `ready` on standard output, and ends with SIGTERM or SIGINT, a
 * second of which cuts the ending short; a start that hangs is given up. What keeps it from starting is said in a line on standard error.
 * @returns the exit code, when the broker has stopped
 */
export async function runBrokerProcess(options: BrokerProcessOptions): Promise<number> {
  try {
    const settings = await gatherSettings(options);
    const logger = await createLogger(settings);
    return await serve(settings, options.memory ?? false, logger);
  } catch (error) {
    if (!(error instanceof BrokerStartError || error instanceof ConfigError)) throw error;
    for (const line of error.message.split("\n")) process.stderr.write(`ottla: ${line}\n`);
    return error instanceof ConfigError || error.cause instanceof ConfigError ? EXIT_USAGE : EXIT_FAILED;
  }
}

/** The weakest first: the file, the environment, `--set`, the options of their own. */
async function gatherSettings(options: BrokerProcessOptions): Promise<ConfigSetting[]> {
  const { configFile, set = [], environment = process.env } = options;
  return [
    ...(configFile === undefined ? [] : parseProperties(await readConfig(configFile), configFile)),
    ...settingsFromEnvironment(environment),
    ...set.map(settingFromArgument),
    ...optionSettings(options),
  ];
}

async function readConfig(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new ConfigError([`the config file ${path} cannot be read: ${(error as Error).message}`]);
  }
}

function createLogger(settings: readonly ConfigSetting[]): Promise<Logger> {
  const config = BrokerConfig.fromSettings(settings);
  const format = config.require("logger.format");
  const isPretty = format === "pretty" || (format === "auto" && process.stderr.isTTY === true);
  return createPinoLogger({ format: isPretty ? "pretty" : "json", level: config.require("logger.level") });
}

async function serve(settings: readonly ConfigSetting[], memory: boolean, logger: Logger): Promise<number> {
  const stop = new StopRequest(logger);
  // The process is the broker's own: it ends with it.
  const heapGrowth = new HeapGrowth();
  const broker = await startWithSettings(settings, { memory, logger, onFatal: (error) => stop.fail(error) });
  stop.started();
  process.stdout.write(readyLine(broker));
  const exitCode = await stop.requested;
  heapGrowth.close();
  if (exitCode === EXIT_FAILED) return await halt(broker, logger);
  logger.info("shutting down: answering what is in flight, writing everything to disk");
  await broker.close();
  logger.info("stopped cleanly");
  return exitCode;
}

/** The broker cannot go on: what can be closed is. After a failure of the disk the next start sees that this was no clean stop. */
async function halt(broker: RunningBroker, logger: Logger): Promise<number> {
  await broker.close().catch((error: unknown) => logger.warn("not everything could be closed", { err: error }));
  return EXIT_FAILED;
}

function readyLine({ bootstrapServers, webSocketUrl, clusterId, nodeId }: RunningBroker): string {
  const sinceProcessStartMs = Math.round(performance.now());
  return `ready ${bootstrapServers} ${webSocketUrl} (broker ${nodeId} of cluster ${clusterId}) in ${sinceProcessStartMs} ms\n`;
}

/** Waits for the first signal; the second one ends the process at once. */
class StopRequest {
  /** Settles with the exit code when the broker is to stop. */
  readonly requested: Promise<number>;
  readonly #logger: Logger;
  #request: (exitCode: number) => void = () => {};
  #isRequested = false;
  #isStarting = true;
  #givingUp: NodeJS.Timeout | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.requested = new Promise((resolve) => {
      this.#request = resolve;
    });
    for (const signal of Object.keys(SIGNALS)) process.on(signal, () => this.#onSignal(signal));
    this.#endWithSupervisor();
  }

  /** The broker can be stopped from now on. */
  started(): void {
    this.#isStarting = false;
    clearTimeout(this.#givingUp);
  }

  /** The broker cannot go on. Where that is not for its disk, it has said why. */
  fail(error: Error): void {
    if (error instanceof DiskError)
      this.#logger.error("the disk of the cluster metadata, or of all log directories, has failed; the broker halts", {
        error: error.message,
      });
    this.#isRequested = true;
    this.#request(EXIT_FAILED);
  }

  /** Who started this process with a channel (`ottla cluster start`) and is gone cannot stop it any more. */
  #endWithSupervisor(): void {
    process.once("disconnect", () => this.#onSignal("SIGTERM"));
    process.channel?.unref();
  }

  #onSignal(signal: string): void {
    if (this.#isRequested) process.exit(SIGNALS[signal]);
    this.#isRequested = true;
    this.#request(EXIT_OK);
    if (this.#isStarting) this.#givingUp = setTimeout(() => this.#giveUp(signal), START_GRACE_MS);
  }

  #giveUp(signal: string): void {
    process.stderr.write(`ottla: ${signal} came before the broker had started\n`);
    process.exit(SIGNALS[signal]);
  }
}

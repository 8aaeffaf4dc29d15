import { resolve } from "node:path";
import {
  type Broker,
  BrokerConfig,
  type BrokerDirectory,
  bootstrapServersOf,
  type ConfigSetting,
  type ConfigValues,
  settingsFromObject,
  startBroker as startCore,
  webSocketUrlOf,
} from "@ottla/broker";
import { checkStartOptions, listenersOf, OPTION_RULES } from "@ottla/broker/internal";
import { createMemoryDisk, createSystemRuntime, type Logger, silentLogger } from "@ottla/runtime";
import { createNodeDisk, openFilesLimit } from "@ottla/runtime/node";
import { compactInWorker } from "./compact-in-worker.ts";
import { EarlyProbes } from "./early-probes.ts";
import { explainStartFailure } from "./explain-start-failure.ts";
import { httpHandler, startingHandler } from "./http-handler.ts";
import { openPorts } from "./open-ports.ts";
import { prepareInWorker } from "./prepare-in-worker.ts";
import { ProcessMetrics } from "./process-metrics.ts";

export type { ConfigValues };

/** What a broker in this process starts with. */
export interface StartBrokerOptions {
  /** The port for Kafka over TCP, WebSocket and HTTP. Default 9092; 0 takes a free one. */
  readonly port?: number;
  /** Keeps everything in memory, and nothing when the broker stops. Default false. */
  readonly memory?: boolean;
  /** Where the data is, in one directory; for several set `log.dirs`. Default `./data`. Not with `memory`. */
  readonly dataDirectory?: string;
  /** Any of Kafka's config keys; `port` and `dataDirectory` are stronger. */
  readonly config?: ConfigValues;
  /** Where log lines go. Default: nowhere. */
  readonly logger?: Logger;
}

/** A broker that runs in this process. */
export interface RunningBroker extends AsyncDisposable {
  /** For `bootstrapServers` of producers, consumers and admins: `localhost:9092`. */
  readonly bootstrapServers: string;
  /** For clients in browsers: `ws://localhost:9092/kafka`. */
  readonly webSocketUrl: string;
  /** The port of the first listener. */
  readonly port: number;
  /** The id of the cluster that it belongs to; its own where it is alone. */
  readonly clusterId: string;
  /** Its `node.id`. */
  readonly nodeId: number;
  /** Answers what is in flight, writes everything to disk and stops. */
  close(): Promise<void>;
}

/** The broker could not start. The message says in a line what a person can do about it; `cause` is the error below. */
export class BrokerStartError extends Error {
  constructor(message: string, options: { readonly cause: unknown }) {
    super(message, options);
    this.name = "BrokerStartError";
  }
}

/**
 * Starts a broker in this process. Any number of them may run, each with its own port and data.
 *
 * ```ts
 * await using broker = await startBroker({ port: 0, memory: true });
 * ```
 * @throws BrokerStartError when an option or a config value is wrong, the port is in use, or the data directory cannot be used
 */
export async function startBroker(options: StartBrokerOptions = {}): Promise<RunningBroker> {
  checkOptions(options);
  const settings = [...settingsFromObject(options.config ?? {}), ...optionSettings(options)];
  return await startWithSettings(settings, {
    memory: options.memory ?? false,
    logger: options.logger ?? silentLogger,
  });
}

const RULES = {
  port: OPTION_RULES.port,
  memory: OPTION_RULES.trueOrFalse,
  dataDirectory: OPTION_RULES.text,
  config: OPTION_RULES.object,
  logger: OPTION_RULES.logger,
};

/** @throws BrokerStartError */
function checkOptions(options: StartBrokerOptions): void {
  try {
    checkStartOptions("startBroker", options, RULES);
  } catch (cause) {
    throw new BrokerStartError(`${(cause as Error).message}.`, { cause });
  }
  if (options.memory && options.dataDirectory !== undefined) {
    throw new BrokerStartError("startBroker: memory and dataDirectory exclude each other.", { cause: options });
  }
}

/** What `port` and `dataDirectory` mean as configs. */
export function optionSettings({
  port,
  dataDirectory,
}: Pick<StartBrokerOptions, "port" | "dataDirectory">): ConfigSetting[] {
  const settings: ConfigSetting[] = [];
  if (port !== undefined) settings.push({ key: "listeners", value: `PLAINTEXT://localhost:${port}`, origin: "port" });
  if (dataDirectory !== undefined) settings.push({ key: "log.dirs", value: dataDirectory, origin: "dataDirectory" });
  return settings;
}

export interface StartEnvironment {
  readonly memory: boolean;
  readonly logger: Logger;
  /** Called when the broker cannot go on: the disk has failed, or another process has its place. */
  readonly onFatal?: (error: Error) => void;
}

/** Starts a broker from settings, wherever they were written. */
export async function startWithSettings(
  settings: readonly ConfigSetting[],
  environment: StartEnvironment,
): Promise<RunningBroker> {
  let names: readonly string[] = [];
  const processMetrics = new ProcessMetrics();
  try {
    const config = BrokerConfig.fromSettings(settings);
    names = environment.memory ? [] : config.logDirectories.map((directory) => resolve(directory));
    return running(await start(config, names, environment, processMetrics), processMetrics);
  } catch (error) {
    processMetrics.close();
    throw new BrokerStartError(explainStartFailure(error, names[0] ?? null), { cause: error });
  }
}

async function start(
  config: BrokerConfig,
  directoryNames: readonly string[],
  { logger, onFatal }: StartEnvironment,
  processMetrics: ProcessMetrics,
): Promise<Broker> {
  const runtime = createSystemRuntime({ logger });
  const filesLimit = openFilesLimit();
  for (const { key, reason } of config.ignoredKeys()) logger.warn(`${key} has no effect here: ${reason}`);
  const startedMs = runtime.clock.monotonicMs();
  const preparationExecutor = prepareInWorker();
  let broker: Broker | null = null;
  let step = "reading its configs";
  const view = {
    broker: () => broker,
    uptimeMs: () => Math.round(runtime.clock.monotonicMs() - startedMs),
    step: () => step,
    processMetrics,
  };
  const probes = new EarlyProbes(listenersOf(config)[0]!, startingHandler(view));
  try {
    broker = await startCore({
      config,
      directories: directoryNames.length === 0 ? [inMemory()] : directoryNames.map(onDisk),
      runtime,
      startServer: async (options) => {
        await probes.close();
        return await openPorts(options);
      },
      http: httpHandler(view),
      onStep: (next) => {
        step = next;
      },
      ...(filesLimit !== null && { openFilesLimit: filesLimit }),
      ...(preparationExecutor !== undefined && { preparationExecutor }),
      ...(onFatal !== undefined && { onFatal }),
    });
    return broker;
  } finally {
    await probes.close();
  }
}

function inMemory(): BrokerDirectory {
  return { disk: createMemoryDisk(), path: "/", name: "memory" };
}

function onDisk(name: string): BrokerDirectory {
  const compactionExecutor = compactInWorker(name);
  return {
    disk: createNodeDisk(name),
    path: "/",
    name,
    ...(compactionExecutor !== undefined && { compactionExecutor }),
  };
}

function running(broker: Broker, processMetrics: ProcessMetrics): RunningBroker {
  const listener = broker.listeners[0]!;
  const close = () => broker.shutdown().finally(() => processMetrics.close());
  return {
    bootstrapServers: bootstrapServersOf(listener),
    webSocketUrl: webSocketUrlOf(listener),
    port: listener.port,
    clusterId: broker.clusterId,
    nodeId: broker.nodeId,
    close,
    [Symbol.asyncDispose]: close,
  };
}

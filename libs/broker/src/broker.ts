import { createDefaultConnector, type ServerConnection } from "@ottla/transport";
import type { BrokerOptions } from "./broker-options.ts";
import type { BrokerLifecycle } from "./cluster/broker-lifecycle.ts";
import { CONTROLLER_CHANNEL_API_KEYS } from "./cluster/controller-channel.ts";
import type { BrokerComponent } from "./components.ts";
import { listenersOf } from "./config/listeners.ts";
import { LiveConfig } from "./config/live-config.ts";
import { createDispatcher } from "./dispatch/dispatcher.ts";
import { brokerFamilies } from "./metrics/broker-metrics.ts";
import { LogActivity } from "./metrics/log-activity.ts";
import type { MetricFamily } from "./metrics/metric-family.ts";
import { setStrayLogsAside } from "./partition/stray-logs.ts";
import type { BrokerServices } from "./services/broker-services.ts";
import { Closers } from "./services/closers.ts";
import { supportedFeatures } from "./services/features.ts";
import { offlineIds, onlineIds } from "./services/open-directories.ts";
import type { OpenListener, OpenServer } from "./services/server.ts";
import { compose, joinCluster } from "./start/compose.ts";
import { DirectoryWatch } from "./start/directory-watch.ts";
import { enterCluster, newLife, noteOnlineDirectories, registerAlone } from "./start/enter-cluster.ts";
import { Gate } from "./start/gate.ts";
import { listen } from "./start/listen.ts";
import { moveOwnMetadata } from "./start/move-metadata.ts";
import { openLogs } from "./start/open-logs.ts";
import { openMetadata } from "./start/open-metadata.ts";
import { warnOfOtherMinIsr } from "./start/other-min-isr.ts";
import type { StartContext } from "./start/start-context.ts";

/** One broker. Several run in one process, each with its own directory and ports. */
export interface Broker {
  /** The id of the cluster that it belongs to. */
  readonly clusterId: string;
  /** Its `node.id`. */
  readonly nodeId: number;
  /** The open ports, with the real port where 0 was asked for. */
  readonly listeners: readonly OpenListener[];
  /** Connections that are open now, on all listeners. */
  readonly connectionCount: number;
  /** Whether {@link shutdown} was called. */
  readonly isStopping: boolean;
  /** The connections that speak Kafka, as of now. */
  connections(): Iterable<ServerConnection>;
  /** What the broker tells of itself; values are read as one comes to them. */
  metrics(): Promise<Iterable<MetricFamily | null>>;
  /** For tools and tests that look inside. */
  readonly services: BrokerServices;
  /** Answers what is in flight, writes everything to disk, and marks the stop as clean. Calls after the first share it. */
  shutdown(): Promise<void>;
}

/**
 * Opens the data directory, replays the metadata, opens the logs, listens, and registers the broker. Resolves when clients
 * are served. What was opened is closed again when a later step fails.
 * @throws ConfigError, StartupError, DiskError and what `startServer` throws
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const context: StartContext = {
    options,
    closers: new Closers(),
    config: new LiveConfig(options.config),
    listeners: listenersOf(options.config),
    connector: options.connector ?? createDefaultConnector(options.runtime),
    supportedFeatures: options.supportedFeatures ?? supportedFeatures,
    logActivity: new LogActivity(options.runtime.clock),
    incarnationId: null,
    brokerEpoch: -1,
  };
  try {
    return await startWith(context);
  } catch (error) {
    await context.closers.closeAll().catch(() => {});
    throw error;
  }
}

async function startWith(context: StartContext): Promise<Broker> {
  const { closers } = context;
  const { runtime, onStep = () => {} } = context.options;
  const { logger } = runtime;
  const watch = new DirectoryWatch(context);
  const { directories, sharedMetadata, early, memory } = await openLogs(context, watch.onFailure);
  const { identity, logs } = directories;
  if (sharedMetadata !== null) await moveOwnMetadata(context, directories, sharedMetadata);
  const plane = await openMetadata(context, directories, sharedMetadata, early);
  const member = sharedMetadata === null ? null : joinCluster(context, identity, plane);
  const { services, registry, parts, channel, assignments } = compose(context, identity, logs, plane, member);
  const gate = new Gate(createDispatcher(registry, logger, services.requests, services.quotas));
  const server = await listen(context, gate.handle, plane, services.quotas, memory.frames);
  onStep("reading the metadata of the cluster");
  await plane.follower.start();
  // What a lagging server has not shown yet must not be taken for deleted.
  await plane.follower.catchUpTo((await plane.log.head()).endOffset - 1);
  await setStrayLogsAside(logs, plane.follower.image, identity.nodeId);
  const life = newLife(context, directories, server.listeners);
  let lifecycle: BrokerLifecycle | null = null;
  let broker: Broker | null = null;
  if (member === null) {
    await registerAlone(context, life, plane, onlineIds(logs));
  } else {
    const { clusterId } = identity;
    const onCutOff = (isCutOff: boolean) => {
      if (isCutOff) gate.shut(server.connections());
      else gate.reopen();
    };
    const onSuperseded = (error: Error) => {
      onCutOff(true);
      context.options.onFatal?.(error);
      broker?.shutdown().catch((err) => logger.warn("not everything could be closed", { err }));
    };
    const logDirs = () => ({ online: onlineIds(logs), offline: offlineIds(logs) });
    // It may have been controller, or be about to be: brokers that start with it must not wait for each other.
    gate.letPass(CONTROLLER_CHANNEL_API_KEYS);
    const { gateway } = member;
    onStep("waiting for the controller to let it in");
    const callbacks = { logDirs, onCutOff, onSuperseded };
    lifecycle = await enterCluster(context, life, plane, { clusterId, gateway, channel, ...callbacks });
  }
  warnOfOtherMinIsr(context.config.current, logger);
  assignments.begin();
  services.replicaMoves.resume();
  const report = () => lifecycle?.report() ?? noteOnlineDirectories(context, identity, logs, services.controller);
  watch.begin({ directories, needsMain: sharedMetadata === null, report });
  closers.add(() => services.purgatory.close());
  for (const part of parts) closers.add(() => part.close());
  gate.open();
  broker = runningBroker(context, { services, parts, server, lifecycle });
  return broker;
}

interface RunningParts {
  readonly services: BrokerServices;
  readonly parts: readonly BrokerComponent[];
  readonly server: OpenServer;
  /** Null for a broker on its own. */
  readonly lifecycle: BrokerLifecycle | null;
}

function runningBroker({ config, closers }: StartContext, running: RunningParts): Broker {
  const { services, parts, server, lifecycle } = running;
  let stopping: Promise<void> | null = null;
  const stop = async () => {
    try {
      if (config.current.require("controlled.shutdown.enable")) await lifecycle?.stop();
    } finally {
      await closers.closeAll();
    }
  };
  return {
    clusterId: services.clusterId,
    nodeId: services.nodeId,
    listeners: server.listeners,
    get connectionCount() {
      return server.connectionCount;
    },
    get isStopping() {
      return stopping !== null;
    },
    connections: () => server.connections(),
    async metrics() {
      const ofParts = await Promise.all(parts.map((part) => part.metrics?.() ?? []));
      return concatenated(ofParts.flat(), brokerFamilies(services, server));
    },
    services,
    shutdown() {
      stopping ??= stop();
      return stopping;
    },
  };
}

function* concatenated<Item>(...parts: Iterable<Item>[]): Generator<Item> {
  for (const part of parts) yield* part;
}

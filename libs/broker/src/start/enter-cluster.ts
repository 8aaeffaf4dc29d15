import {
  type BrokerAnnouncement,
  type BrokerEndpoint,
  finalizeFeatures,
  randomUuid,
  registerBroker,
  setOnlineDirectories,
  unsupportedLevel,
} from "@ottla/metadata";
import type { LogDirectories } from "@ottla/storage";
import type { BrokerDirectory } from "../broker-options.ts";
import { BrokerLifecycle, type BrokerLifecycleOptions } from "../cluster/broker-lifecycle.ts";
import { handoverTimeoutMs, idWaitMs } from "../config/component-options.ts";
import type { ControllerGateway } from "../services/broker-services.ts";
import { type DirectoryIdentity, StartupError } from "../services/data-directory.ts";
import { levelsToFinalize, registeredFeatures } from "../services/features.ts";
import type { MetadataPlane } from "../services/metadata-plane.ts";
import { type OpenDirectories, onlineIds } from "../services/open-directories.ts";
import { advertisedUrlOf, type OpenListener, tcpAddressOf } from "../services/server.ts";
import type { StartContext } from "./start-context.ts";

/** What a broker has to say of itself when it starts. */
export interface NewLife {
  readonly announcement: BrokerAnnouncement;
  readonly cleanShutdown: boolean;
  /** The epoch of the life that it has stopped cleanly from, or -1. */
  readonly previousBrokerEpoch: number;
  readonly endpoints: readonly BrokerEndpoint[];
}

export function newLife(
  context: StartContext,
  { identity, cleanShutdown, previousBrokerEpoch }: OpenDirectories<BrokerDirectory>,
  listeners: readonly OpenListener[],
): NewLife {
  const incarnationId = randomUuid(context.options.runtime.random);
  context.incarnationId = incarnationId;
  const announcement = { brokerId: identity.nodeId, directoryId: identity.directoryId, incarnationId };
  return { announcement, endpoints: listeners.map(registeredEndpoint), cleanShutdown, previousBrokerEpoch };
}

/** A broker on its own is its own controller, and there at once. */
export async function registerAlone(
  context: StartContext,
  life: NewLife,
  plane: MetadataPlane,
  logDirs: readonly string[],
): Promise<void> {
  const { announcement, cleanShutdown, endpoints } = life;
  const { brokerId, incarnationId } = announcement;
  await plane.log.liveness.announce(announcement);
  await plane.controller.submit((state) =>
    finalizeFeatures(state, levelsToFinalize(state.image.features, context.supportedFeatures)),
  );
  const registration = {
    brokerId,
    incarnationId,
    endpoints,
    features: registeredFeatures(context.supportedFeatures),
    rack: context.config.current.get("broker.rack"),
    logDirs,
    fenced: false,
    cleanShutdown,
  };
  const problem = unsupportedLevel(plane.follower.image.features, registration.features);
  if (problem !== null) throw new StartupError(problem);
  const { response } = await plane.controller.submit((state) => registerBroker(state, registration));
  context.brokerEpoch = response.brokerEpoch;
}

/** The same once a log directory has failed. */
export async function noteOnlineDirectories(
  { brokerEpoch }: StartContext,
  { nodeId: brokerId }: DirectoryIdentity,
  logs: LogDirectories,
  controller: ControllerGateway,
): Promise<void> {
  const registration = { brokerId, brokerEpoch, content: onlineIds(logs) };
  await controller.submit((state) => setOnlineDirectories(state, registration));
}

/** One of many is announced, registered, and there once the controller has unfenced it. */
export async function enterCluster(
  context: StartContext,
  life: NewLife,
  { log, follower }: MetadataPlane,
  cluster: Pick<BrokerLifecycleOptions, "clusterId" | "gateway" | "channel" | "logDirs" | "onCutOff" | "onSuperseded">,
): Promise<BrokerLifecycle> {
  const { config } = context;
  const lifecycle = new BrokerLifecycle({
    ...life,
    ...cluster,
    features: registeredFeatures(context.supportedFeatures),
    rack: config.current.get("broker.rack"),
    log,
    follower,
    runtime: context.options.runtime,
    heartbeatIntervalMs: () => config.current.require("broker.heartbeat.interval.ms"),
    idWaitMs: () => idWaitMs(config.current),
    handoverTimeoutMs: () => handoverTimeoutMs(config.current),
    onRegistered: (brokerEpoch) => {
      context.brokerEpoch = brokerEpoch;
    },
  });
  context.closers.add(() => lifecycle.close());
  await lifecycle.start();
  return lifecycle;
}

/** Kafka's number of PLAINTEXT. */
const SECURITY_PROTOCOL_PLAINTEXT = 0;

function registeredEndpoint(listener: OpenListener): BrokerEndpoint {
  const { host, port } = tcpAddressOf(listener);
  const url = advertisedUrlOf(listener);
  return { name: listener.name, host, port, securityProtocol: SECURITY_PROTOCOL_PLAINTEXT, url };
}

export type { BrokerConnection } from "@ottla/transport";
export {
  checkCallOptions,
  checkedList,
  type Fields,
  strangeOption,
  watchedOptions,
  wrongField,
} from "./arguments.ts";
export {
  type AskOptions,
  ClusterClient,
  type ComponentOptions,
  type RequestBody,
  type RequestTarget,
} from "./cluster-client.ts";
export type { CoordinatorKind } from "./coordinators.ts";
export { Deadline, isSignal, sleep } from "./deadline.ts";
export {
  aborted,
  clientClosed,
  describe,
  invalidArgument,
  invalidOption,
  invalidTopic,
  isText,
  late,
  loaded,
  timedOut,
  toKafkaError,
  wrongOption,
} from "./errors.ts";
export { type DiagnosticsChannel, EventHub, type OpenChannel, requireEvent } from "./events.ts";
export type { BrokerNode, ClusterView, PartitionView, TopicView } from "./metadata/cluster-view.ts";
export type { LeaderHint } from "./metadata/merge-metadata.ts";
export type { MetadataCache, MetadataListener } from "./metadata/metadata-cache.ts";
export {
  type ClientSettings,
  nameOrNull,
  nonNegativeNumber,
  positiveNumber,
  requireMethod,
  trueOrFalse,
  wholeNumber,
} from "./options.ts";
export { isLostCoordinator, isRetriable, isStaleMetadata } from "./retry-policy.ts";
export { TroubleMonitor } from "./trouble.ts";

import {
  alterClientQuotasApi,
  alterConfigsApi,
  alterPartitionReassignmentsApi,
  createPartitionsApi,
  createTopicsApi,
  deleteTopicsApi,
  electLeadersApi,
  incrementalAlterConfigsApi,
  listPartitionReassignmentsApi,
  unregisterBrokerApi,
  updateFeaturesApi,
} from "@ottla/protocol";
import type { AnyApiHandler, ApiHandler } from "../api-handler.ts";
import { envelopeHandler } from "../handlers/envelope.ts";
import { type ForwardingOptions, forwarded } from "./forwarding.ts";

/** What clients may ask of any broker, and only the controller can answer. */
const CONTROLLER_APIS: ReadonlySet<number> = new Set(
  [
    createTopicsApi,
    deleteTopicsApi,
    createPartitionsApi,
    alterClientQuotasApi,
    alterConfigsApi,
    incrementalAlterConfigsApi,
    updateFeaturesApi,
    electLeadersApi,
    alterPartitionReassignmentsApi,
    listPartitionReassignmentsApi,
    unregisterBrokerApi,
  ].map(({ key }) => key),
);

/** The handlers of a broker of a cluster: what is the controller's to answer is forwarded to it. */
export function withForwarding(handlers: readonly AnyApiHandler[], options: ForwardingOptions): AnyApiHandler[] {
  const own = new Map(handlers.filter(({ api }) => CONTROLLER_APIS.has(api.key)).map((each) => [each.api.key, each]));
  return [
    ...handlers.map((each) =>
      own.has(each.api.key) ? (forwarded(each as ApiHandler, options) as AnyApiHandler) : each,
    ),
    envelopeHandler(options.broker, own),
  ];
}

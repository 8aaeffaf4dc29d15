import { computed } from "@preact/signals";
import { brokerState, clusterState } from "../data/overview.ts";
import type { Status } from "./frame.tsx";

/** The page asks its broker something every second: the last answers tell. */
export const status = computed<Status>(() => {
  const hasFailed = brokerState.error.value !== null;
  if (hasFailed) return brokerState.value.value === undefined ? "connecting" : "reconnecting";
  return brokerState.value.value === undefined || clusterState.value.value === undefined ? "connecting" : "connected";
});

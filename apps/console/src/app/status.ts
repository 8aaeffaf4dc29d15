import { computed } from "@preact/signals";
import { brokerStates, clusterState } from "../data/overview.ts";
import type { Status } from "./frame.tsx";

/** The page asks its broker something every second: the last answers tell. */
export const status = computed<Status>(() => {
  const hasFailed = brokerStates.error.value !== null;
  if (hasFailed) return brokerStates.value.value === undefined ? "connecting" : "reconnecting";
  return brokerStates.value.value === undefined || clusterState.value.value === undefined ? "connecting" : "connected";
});

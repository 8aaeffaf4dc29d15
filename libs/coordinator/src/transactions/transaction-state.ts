/** The states of a transactional id, by Kafka's names. */
export type TransactionState =
  | "Empty"
  | "Ongoing"
  | "PrepareCommit"
  | "PrepareAbort"
  | "CompleteCommit"
  | "CompleteAbort"
  | "Dead"
  | "PrepareEpochFence";

/** Kafka's numbers of the states, as they stand in the log. */
const STATE_IDS: Readonly<Record<TransactionState, number>> = {
  Empty: 0,
  Ongoing: 1,
  PrepareCommit: 2,
  PrepareAbort: 3,
  CompleteCommit: 4,
  CompleteAbort: 5,
  Dead: 6,
  PrepareEpochFence: 7,
};

const STATES_BY_ID = new Map(Object.entries(STATE_IDS).map(([state, id]) => [id, state as TransactionState]));

export const transactionStates: readonly TransactionState[] = Object.keys(STATE_IDS) as TransactionState[];

/**
 * From which states each state may be reached. PrepareEpochFence is never stored: it is what an id is in while the abort
 * that fences its producer is being written. An empty transaction may be aborted with transactions v2 alone.
 */
const PREVIOUS_STATES: Readonly<Record<TransactionState, readonly TransactionState[]>> = {
  Empty: ["Empty", "CompleteCommit", "CompleteAbort"],
  Ongoing: ["Ongoing", "Empty", "CompleteCommit", "CompleteAbort"],
  PrepareCommit: ["Ongoing"],
  PrepareAbort: ["Ongoing", "PrepareEpochFence", "Empty", "CompleteCommit", "CompleteAbort"],
  CompleteCommit: ["PrepareCommit"],
  CompleteAbort: ["PrepareAbort"],
  Dead: ["Empty", "CompleteCommit", "CompleteAbort"],
  PrepareEpochFence: ["Ongoing"],
};

export function isTransitionAllowed(from: TransactionState, to: TransactionState): boolean {
  return PREVIOUS_STATES[to].includes(from);
}

export function stateId(state: TransactionState): number {
  return STATE_IDS[state];
}

export function stateOfId(id: number): TransactionState | undefined {
  return STATES_BY_ID.get(id);
}

/** Whether markers of the transaction are being written: it is decided, and not over. */
export function isPrepared(state: TransactionState): state is "PrepareCommit" | "PrepareAbort" {
  return state === "PrepareCommit" || state === "PrepareAbort";
}

/** Whether no transaction is open, decided or not. */
export function isAtRest(state: TransactionState): state is "Empty" | "CompleteCommit" | "CompleteAbort" {
  return state === "Empty" || state === "CompleteCommit" || state === "CompleteAbort";
}

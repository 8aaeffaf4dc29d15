export { type ReassignmentProgress, reassignmentProgress } from "./reassignment-progress.ts";
export { type UnderReplicated, underReplicatedDuring } from "./under-replicated.ts";

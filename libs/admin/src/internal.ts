export { type ReassignmentProgress, reassignmentProgress } from "./reassignment-progress.ts";

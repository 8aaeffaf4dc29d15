export { inTurns } from "./in-turns.ts";
export { keepListening } from "./on-abort.ts";

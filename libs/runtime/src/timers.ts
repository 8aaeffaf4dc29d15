/** A timer that has been scheduled and can be cancelled. */
export interface Timer {
  /** Prevents the callback from running. Does nothing once it has run or was cancelled. */
  cancel(): void;
}

/** Where delays come from. Nothing outside this library calls `setTimeout`, `setInterval` or `setImmediate`. */
export interface Timers {
  /**
   * Runs `callback` once, `delayMs` milliseconds from now. A delay of zero or less runs it in a later turn.
   * The timer does not keep a Node.js process alive unless `keepAlive` is true.
   */
  schedule(delayMs: number, callback: () => void, options?: { readonly keepAlive?: boolean }): Timer;
  /** Runs `callback` after the I/O of the current turn, before any timer: the moment for group commits. */
  defer(callback: () => void): void;
}

declare const setImmediate: ((callback: () => void) => unknown) | undefined;

/** The longest delay that the platform's timers take; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

function schedule(delayMs: number, callback: () => void, options?: { readonly keepAlive?: boolean }): Timer {
  const handle: unknown = setTimeout(callback, Math.min(Math.max(delayMs, 0), MAX_DELAY_MS));
  if (!options?.keepAlive) unref(handle);
  return { cancel: () => clearTimeout(handle as ReturnType<typeof setTimeout>) };
}

function unref(handle: unknown): void {
  if (typeof handle === "object" && handle !== null && "unref" in handle) (handle as { unref(): void }).unref();
}

function createMessageChannelDefer(): (callback: () => void) => void {
  const queue: (() => void)[] = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => queue.shift()?.();
  return (callback) => {
    queue.push(callback);
    port2.postMessage(null);
  };
}

/** The platform's own timers. Browsers have no `setImmediate`: there a message channel takes its place. */
export function createSystemTimers(): Timers {
  const defer =
    typeof setImmediate === "function"
      ? (callback: () => void) => void setImmediate?.(callback)
      : createMessageChannelDefer();
  return { schedule, defer };
}

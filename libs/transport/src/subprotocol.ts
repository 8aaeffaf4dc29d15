/** The WebSocket subprotocol whose responses leave in request order, as on TCP. */
export const ORDERED_SUBPROTOCOL = "kafka";

/**
 * The WebSocket subprotocol whose responses may come in any order; correlation ids say whose they are. Requests take
 * effect in the order they were sent all the same.
 */
export const UNORDERED_SUBPROTOCOL = "kafka.unordered";

/** What our clients offer, best first. */
export const DEFAULT_SUBPROTOCOLS: readonly string[] = [UNORDERED_SUBPROTOCOL, ORDERED_SUBPROTOCOL];

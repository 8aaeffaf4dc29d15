/**
 * The place of one request in the queue for answers: given with the request, given back with the answer. The state
 * machine keeps and compares tickets but never completes one; whoever runs it does, with {@link deliver}.
 */
export interface Ticket<Response> {
  complete(response: Response): void;
}

/** An answer that may leave now. */
export interface Reply {
  readonly ticket: Ticket<unknown>;
  readonly response: unknown;
}

/** Hands an answer to the one who waits for it. */
export function deliver(reply: Reply): void {
  reply.ticket.complete(reply.response);
}

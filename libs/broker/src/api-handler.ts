import type { ServerConnection } from "@ottla/transport";

/** What a handler knows of a request besides its body. */
export interface RequestContext {
  readonly connection: ServerConnection;
  readonly apiVersion: number;
  readonly clientId: string;
  readonly receivedAtMs: number;
  /** Aborted when the client has gone: stop waiting for it. */
  readonly signal: AbortSignal;
}

/**
 * What a handler gives back.
 * - a value: the request has taken effect and this is its answer;
 * - a promise: the next request of this connection waits until it settles;
 * - {@link later}: the request has taken effect (or will when `effect` settles), the answer comes when it comes.
 */
export type HandlerResult<Response> = Response | Promise<Response> | Later<Response>;

export class Later<Response> {
  readonly response: Promise<Response>;
  readonly effect: Promise<void> | undefined;

  constructor(response: Promise<Response>, effect?: Promise<void>) {
    this.response = response;
    this.effect = effect;
  }
}

/** The request has taken effect (once `effect` settles); its answer follows without holding up the next request. */
export function later<Response>(response: Promise<Response>, effect?: Promise<void>): Later<Response> {
  return new Later(response, effect);
}

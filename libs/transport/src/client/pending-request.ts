import type { AnyMessage, ApiDefinition } from "@ottla/protocol";
import { decodeResponse } from "@ottla/protocol/client";
import { onAbort } from "@ottla/runtime";
import { abortError } from "../transport-error.ts";

type AnyApi = ApiDefinition<AnyMessage, AnyMessage>;

/** A request that was handed to the connection and has not been answered. */
export class PendingRequest {
  readonly api: AnyApi;
  readonly version: number;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  /** True once the caller has given up: its answer is awaited all the same, and dropped. */
  isAbandoned = false;
  readonly #resolve: (response: never) => void;
  readonly #reject: (error: unknown) => void;
  readonly #decode: ((frame: Uint8Array) => unknown) | undefined;
  #stopListening = () => {};

  constructor(options: {
    readonly api: AnyApi;
    readonly version: number;
    readonly timeoutMs: number;
    readonly deadlineMs: number;
    readonly resolve: (response: never) => void;
    readonly reject: (error: unknown) => void;
    /** Reads the response in place of the API's own codec. */
    readonly decode?: (frame: Uint8Array) => unknown;
  }) {
    this.api = options.api;
    this.version = options.version;
    this.timeoutMs = options.timeoutMs;
    this.deadlineMs = options.deadlineMs;
    this.#resolve = options.resolve;
    this.#reject = options.reject;
    this.#decode = options.decode;
  }

  /** Rejects with ABORTED when `signal` is aborted. */
  abandonOn(signal: AbortSignal, whenAbandoned: () => void): void {
    this.#stopListening = onAbort(signal, () => {
      this.isAbandoned = true;
      this.#reject(abortError(signal));
      whenAbandoned();
    });
  }

  /** Settles with what `frame` holds. */
  answer(frame: Uint8Array): void {
    this.#stopListening();
    if (this.isAbandoned) return;
    try {
      const decode = this.#decode;
      this.#resolve((decode ? decode(frame) : decodeResponse(this.api, this.version, frame)) as never);
    } catch (error) {
      this.#reject(error);
    }
  }

  /** Fails a request whose answer may still come, and is to be dropped. */
  giveUp(error: unknown): void {
    this.fail(error);
    this.isAbandoned = true;
  }

  fail(error: unknown): void {
    this.#stopListening();
    if (!this.isAbandoned) this.#reject(error);
  }
}

/** Follows an operation from its start to its end, for tracers. The shape of Node.js's `TracingChannel`. */
export interface OperationTracing<C extends object> {
  readonly hasSubscribers: boolean;
  /** Tells of the start, does the work in the scope that subscribers have bound, and tells of its end. */
  tracePromise<T>(work: () => Promise<T>, context: C): Promise<T>;
}

/** Sends that tracers follow. */
export interface SendTracing {
  /** Whether anybody follows them. */
  readonly hasSubscribers: boolean;
  /** Has `send` send the records of `input`, with headers of their own that tracers have added theirs to. */
  trace<I extends object, T>(clientId: string, input: I, send: (input: I) => Promise<T>): Promise<T>;
}

/** What a tracer sees of a send, and may change. */
export interface SendContext {
  /** The producer's `clientId`. */
  readonly clientId: string;
  /** The records as they will be sent. At the start their headers may still be added to. */
  readonly records: readonly TracedRecord[];
}

/** A record on its way, whose headers a tracer adds its own to. */
export interface TracedRecord {
  /** The topic to write to. */
  readonly topic: string;
  /** As it was given to `send`. */
  readonly key: unknown;
  /** As it was given to `send`. */
  readonly value: unknown;
  /** The headers that are sent: what is pushed into the list goes with the record. */
  readonly headers: (readonly [name: string, value: string | Uint8Array | null])[];
}

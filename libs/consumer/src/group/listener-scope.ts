/** Tells what a listener that is waited for has called, and thus must not wait in its turn. */
export interface Scope {
  /** Whether the code that asks was called by the work. */
  readonly isWithin: boolean;
  /** Does the work, one at a time. @returns what it gives: its end is to be waited for */
  run(work: () => unknown): unknown;
}

/** Where nothing follows calls across `await`: knows what is called before the first one. */
export class ListenerScope implements Scope {
  isWithin = false;

  run(work: () => unknown): unknown {
    this.isWithin = true;
    try {
      return work();
    } finally {
      this.isWithin = false;
    }
  }
}

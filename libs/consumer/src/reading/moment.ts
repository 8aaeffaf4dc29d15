import { aborted } from "@ottla/client/internal";
import { onAbort } from "@ottla/runtime";

/** A moment that several can wait for, again and again. */
export class Moment {
  #waiting: (() => void)[] = [];

  /** Lets all go on who wait now. */
  give(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  /** Settles at the next {@link give}. @throws KafkaError `ABORTED` when the signal comes first */
  next(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(aborted(signal));
      const stopListening = onAbort(signal, () => reject(aborted(signal!)));
      this.#waiting.push(() => {
        stopListening();
        resolve();
      });
    });
  }
}

import type { Watch, ZooKeeper } from "@ottla/zookeeper";
import { Listeners } from "../listeners.ts";

/** A watch that is set again each time it has fired, from the first listener on. */
export class StandingWatch {
  readonly #client: ZooKeeper;
  readonly #set: (watch: Watch) => Promise<unknown>;
  readonly #listeners = new Listeners();
  #isSet = false;

  /** `set` reads something with the watch. What it reads does not matter: listeners look for themselves. */
  constructor(client: ZooKeeper, set: (watch: Watch) => Promise<unknown>) {
    this.#client = client;
    this.#set = set;
  }

  add(listener: () => void): () => void {
    const remove = this.#listeners.add(listener);
    if (!this.#isSet) {
      this.#isSet = true;
      this.#setAgain();
    }
    return remove;
  }

  #setAgain(): void {
    this.#set(() => this.#fired()).catch(() => this.#afterReconnect());
  }

  #fired(): void {
    this.#setAgain();
    this.#listeners.notify();
  }

  /** Without a connection nothing can be watched, and what happens meanwhile is missed. */
  #afterReconnect(): void {
    const stop = this.#client.onSessionEvent((event) => {
      if (event !== "connected") return;
      stop();
      this.#fired();
    });
  }
}

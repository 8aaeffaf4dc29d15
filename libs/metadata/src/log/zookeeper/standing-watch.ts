import type { Watch, ZooKeeper } from "@ottla/zookeeper";
import { Listeners } from "../listeners.ts";

/** A watch that is set again each time it has fired, from the first listener on. */
export class StandingWatch {
  readonly #client: ZooKeeper;
  readonly #set: (watch: Watch) => Promise<unknown>;
  readonly #listeners = new Listeners();
  #isSet = false;
  /** How many connections there have been: who failed to set the watch may hear of it after there is another one. */
  #connections = 0;
  /** Whether the watch could not be set on the connection that there was last. */
  #isLost = false;
  /** How often it has been set: only what was set last is set again, or two would be standing from then on. */
  #settings = 0;

  /** `set` reads something with the watch. What it reads does not matter: listeners look for themselves. */
  constructor(client: ZooKeeper, set: (watch: Watch) => Promise<unknown>) {
    this.#client = client;
    this.#set = set;
  }

  add(listener: () => void): () => void {
    const remove = this.#listeners.add(listener);
    if (!this.#isSet) {
      this.#isSet = true;
      this.#client.onSessionEvent((event) => event === "connected" && this.#connected());
      this.#setAgain();
    }
    return remove;
  }

  #setAgain(): void {
    const setting = ++this.#settings;
    const connections = this.#connections;
    this.#set(() => this.#fired(setting)).catch(() => this.#failed(setting, connections));
  }

  #fired(setting: number): void {
    if (setting === this.#settings) this.#setAgain();
    this.#listeners.notify();
  }

  /** Without a connection nothing can be watched, and what happens meanwhile is missed. */
  #failed(setting: number, connectionsBefore: number): void {
    if (setting !== this.#settings) return;
    if (this.#connections === connectionsBefore) this.#isLost = true;
    else this.#fired(setting);
  }

  #connected(): void {
    this.#connections++;
    if (!this.#isLost) return;
    this.#isLost = false;
    this.#fired(this.#settings);
  }
}

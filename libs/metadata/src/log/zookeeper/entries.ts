import { isZooKeeperError, type ZooKeeper } from "@ottla/zookeeper";
import { decodeEntry, entryName, type StoredEntry, type ZooKeeperPaths } from "./layout.ts";
import type { PatientClient } from "./patient-client.ts";

/** Entries that are read at a time. */
const READ_ENTRIES_MAX = 256;
/** How many entries are followed one by one before all are listed: who keeps up is hardly ever further behind. */
const FOLLOWED_MAX = 8;
/** Entries that one transaction removes: some 20 kB of it, so that others have their turn every few milliseconds. */
const REMOVED_AT_ONCE = 250;
const ENTRY_NAME = /^\d{20}$/;

/**
 * The znodes of a log's entries. An entry tells where the next one begins, so who is behind by a few follows them: a list
 * of all entries takes ZooKeeper milliseconds for each thousand, and every broker reads each change of the metadata.
 */
export class ZooKeeperEntries {
  readonly #client: ZooKeeper;
  readonly #patient: PatientClient;
  readonly #paths: ZooKeeperPaths;
  /** Base offsets of entries that were listed and not read yet, in order. */
  #listed: readonly number[] = [];

  constructor(client: ZooKeeper, patient: PatientClient, paths: ZooKeeperPaths) {
    this.#client = client;
    this.#patient = patient;
    this.#paths = paths;
  }

  async find(baseOffset: number): Promise<StoredEntry | null> {
    const path = this.#paths.entry(baseOffset);
    const found = await this.#patient.find(path);
    return found === null ? null : decodeEntry(found.data, path);
  }

  /** Entries from `offset` on, in a log that ends at `endOffset`; null when they were trimmed in the meantime. */
  async read(offset: number, endOffset: number): Promise<StoredEntry[] | null> {
    const entries: StoredEntry[] = [];
    let next = offset;
    while (next < endOffset && entries.length < READ_ENTRIES_MAX) {
      const baseOffsets = await this.#following(next, entries.length);
      for (const entry of await Promise.all(baseOffsets.map((baseOffset) => this.find(baseOffset)))) {
        // Only what follows without a gap: what was trimmed meanwhile leaves one.
        if (entry?.baseOffset !== next) return entries.length > 0 ? entries : null;
        entries.push(entry);
        next = entry.endOffset;
      }
    }
    return entries;
  }

  /** Where the next entries begin, as far as that is known or worth a list; `read` of them are read already. */
  async #following(next: number, read: number): Promise<readonly number[]> {
    if (!this.#listed.includes(next)) {
      this.#listed = [];
      if (read < FOLLOWED_MAX) return [next];
      this.#listed = (await this.#names()).map(Number).filter((baseOffset) => baseOffset >= next);
      if (this.#listed[0] !== next) return [next];
    }
    const from = this.#listed.indexOf(next);
    const following = this.#listed.slice(from, from + READ_ENTRIES_MAX - read);
    this.#listed = this.#listed.slice(from + following.length);
    return following;
  }

  /**
   * Removes what is below `offset`. Whoever had the office when the head came to begin there may go on after another one
   * has it: the head never goes back. Where two do it, one finds removed what it was about to remove, and looks again.
   */
  async removeBelow(offset: number): Promise<void> {
    while (!(await this.#removeAll((await this.#names()).filter((name) => name < entryName(offset)))));
  }

  /** Whether all of them are known to be gone. */
  async #removeAll(names: readonly string[]): Promise<boolean> {
    try {
      for (let at = 0; at < names.length; at += REMOVED_AT_ONCE) {
        const paths = names.slice(at, at + REMOVED_AT_ONCE).map((name) => `${this.#paths.entries}/${name}`);
        await this.#patient.repeat(() =>
          this.#client.multi(paths.map((path) => ({ type: "remove", path, version: -1 }))),
        );
      }
      return true;
    } catch (error) {
      if (isZooKeeperError(error, "NO_NODE")) return false;
      throw error;
    }
  }

  async #names(): Promise<string[]> {
    const names = await this.#patient.children(this.#paths.entries);
    return names.filter((name) => ENTRY_NAME.test(name)).sort();
  }
}

/** A record of the topic that visitors of the page write to. */
export interface Note {
  readonly key: string | null;
  readonly value: string | null;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
}

const KEPT = 50;

/** The notes read last, newest first. */
export class Notes {
  #list: readonly Note[] = [];

  get list(): readonly Note[] {
    return this.#list;
  }

  accept(note: Note): void {
    this.#list = [note, ...this.#list].slice(0, KEPT);
  }
}

/** Lets some of many have their turn: those that have waited longest, so that all are looked at however many there are. */
export class Turns {
  #number = 0;
  #last = new Map<string, number>();

  /** At most `most` of the names. One that is new comes before all that had their turn; one that is gone is forgotten. */
  next(names: readonly string[], most: number): string[] {
    this.#number++;
    const last = (name: string) => this.#last.get(name) ?? 0;
    const chosen = [...names].sort((a, b) => last(a) - last(b)).slice(0, most);
    const kept = names.flatMap((name): [string, number][] => (this.#last.has(name) ? [[name, last(name)]] : []));
    this.#last = new Map([...kept, ...chosen.map((name): [string, number] => [name, this.#number])]);
    return chosen;
  }
}

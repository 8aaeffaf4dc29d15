/** How often things happened, over any number of runs. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** Those of `names` that never happened. */
  missing(names: readonly string[]): string[] {
    return names.filter((name) => this.get(name) === 0);
  }

  toString(): string {
    const width = Math.max(0, ...[...this.#counts.keys()].map((name) => name.length));
    return [...this.#counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => `${name.padEnd(width)} ${count}`)
      .join("\n");
  }
}

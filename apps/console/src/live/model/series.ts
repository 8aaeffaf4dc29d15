/** Values over time, oldest first, aligned for a chart: `columns[i][n]` belongs to `times[n]`. */
export class Series<Name extends string> {
  readonly names: readonly Name[];
  readonly #limit: number;
  #times: number[] = [];
  #columns: (number | null)[][];

  /** @param limit how many moments are kept */
  constructor(names: readonly Name[], limit: number) {
    this.names = names;
    this.#limit = limit;
    this.#columns = names.map(() => []);
  }

  /** Sets values of one moment. Moments may come out of order; values of one moment may come one by one. */
  set(time: number, values: Partial<Record<Name, number>>): void {
    const index = this.#rowOf(time);
    this.names.forEach((name, column) => {
      const value = values[name];
      if (value !== undefined) this.#columns[column]![index] = value;
    });
    if (this.#times.length > this.#limit) this.#dropOldest();
  }

  /** Times first, then a column for each name: what uPlot takes. */
  get data(): [number[], ...(number | null)[][]] {
    return [this.#times, ...this.#columns];
  }

  get isEmpty(): boolean {
    return this.#times.length === 0;
  }

  /** The last value of a column; undefined if there is none. */
  last(name: Name): number | undefined {
    return this.#columns[this.names.indexOf(name)]!.findLast((value) => value !== null) ?? undefined;
  }

  #rowOf(time: number): number {
    let index = this.#times.length;
    while (index > 0 && this.#times[index - 1]! > time) index--;
    if (this.#times[index - 1] === time) return index - 1;
    this.#times.splice(index, 0, time);
    for (const column of this.#columns) column.splice(index, 0, null);
    return index;
  }

  #dropOldest(): void {
    this.#times.shift();
    for (const column of this.#columns) column.shift();
  }
}

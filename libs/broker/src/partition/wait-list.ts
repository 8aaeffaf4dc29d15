/**
 * Those who wait for one thing, in the order in which they came.
 *
 * A linked list: who waits is made once, comes and goes without a search, and leaves no garbage behind. A set makes its table
 * anew after a few deletions, and each table that has grown old keeps all later ones alive until the next major collection.
 */
export class WaitList<Item> {
  #first: Place<Item> | null = null;
  #last: Place<Item> | null = null;

  get isEmpty(): boolean {
    return this.#first === null;
  }

  /** Puts it at the end, unless it has its place already. */
  add(place: Place<Item>): void {
    if (place.isTaken) return;
    place.isTaken = true;
    place.previous = this.#last;
    if (this.#last === null) this.#first = place;
    else this.#last.next = place;
    this.#last = place;
  }

  remove(place: Place<Item>): void {
    if (!place.isTaken) return;
    const { previous, next } = place;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    place.previous = null;
    place.next = null;
    place.isTaken = false;
  }

  /** Those who wait now; who leaves meanwhile must be the one at hand, or one before it. */
  *[Symbol.iterator](): IterableIterator<Item> {
    for (let place = this.#first; place !== null; ) {
      const { next, item } = place;
      yield item;
      place = next;
    }
  }
}

/** A place in one {@link WaitList}, taken or not. */
export class Place<Item> {
  readonly list: WaitList<Item>;
  readonly item: Item;
  previous: Place<Item> | null = null;
  next: Place<Item> | null = null;
  isTaken = false;

  constructor(list: WaitList<Item>, item: Item) {
    this.list = list;
    this.item = item;
  }

  take(): void {
    this.list.add(this);
  }

  leave(): void {
    this.list.remove(this);
  }
}

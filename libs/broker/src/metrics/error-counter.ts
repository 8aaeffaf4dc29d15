import { type ApiDefinition, ErrorCode } from "@ottla/protocol";

type StructSpec = ApiDefinition["response"]["fields"];

/** Where a struct of a response has error codes: in itself, and in the structs in these members. */
interface ErrorPlaces {
  readonly hasCode: boolean;
  readonly members: readonly (readonly [name: string, places: ErrorPlaces])[];
}

/** Counts the error codes in the responses of one API, as Kafka's `errorCounts` of a response do. */
export class ErrorCounter {
  readonly #places: ErrorPlaces;
  readonly #counts = new Map<number, number>();

  constructor({ response }: ApiDefinition) {
    this.#places = placesIn(response.fields) ?? { hasCode: false, members: [] };
  }

  count(response: unknown): void {
    this.#visit(this.#places, response as Readonly<Record<string, unknown>>);
  }

  /** Code and how often it was answered. */
  [Symbol.iterator](): IterableIterator<[code: number, count: number]> {
    return this.#counts.entries();
  }

  #visit({ hasCode, members }: ErrorPlaces, value: Readonly<Record<string, unknown>>): void {
    if (hasCode) {
      const code = (value.errorCode as number | undefined) ?? ErrorCode.NONE;
      this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
    }
    for (const [name, places] of members) {
      const member = value[name];
      if (Array.isArray(member)) for (const each of member) this.#visit(places, each);
      else if (typeof member === "object" && member !== null) this.#visit(places, member as typeof value);
    }
  }
}

/** Null where there is none, so that nothing is looked through in vain. */
function placesIn(fields: StructSpec): ErrorPlaces | null {
  const members = Object.entries(fields).flatMap(([name, { fields: own, element }]) => {
    const inside = own ?? element?.fields;
    const places = inside === undefined ? null : placesIn(inside);
    return places === null ? [] : [[name, places] as const];
  });
  const hasCode = "errorCode" in fields;
  return hasCode || members.length > 0 ? { hasCode, members } : null;
}

const NAMES = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]));

export function errorName(code: number): string {
  return NAMES.get(code) ?? String(code);
}

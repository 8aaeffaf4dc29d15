import { lookup } from "node:dns";
import { isIP } from "node:net";

/** Limits of single addresses. Hosts may be named, as in Apache Kafka: their addresses are looked up once. */
export class IpOverrides {
  #given: ReadonlyMap<string, number> = new Map();
  #limits = new Map<string, number>();

  /** What the address may have by `overrides`; undefined where they say nothing of it. */
  limitOf(ip: string, overrides: ReadonlyMap<string, number>): number | undefined {
    if (overrides !== this.#given) this.#take(overrides);
    return this.#limits.get(ip);
  }

  #take(overrides: ReadonlyMap<string, number>): void {
    this.#given = overrides;
    const limits = new Map<string, number>();
    this.#limits = limits;
    for (const [host, limit] of overrides) {
      const address = host.replace(/^\[(.*)\]$/, "$1");
      if (isIP(address) !== 0) limits.set(address, limit);
      else if (address === "localhost") for (const own of ["127.0.0.1", "::1"]) limits.set(own, limit);
      else lookUp(address, (found) => limits.set(found, limit));
    }
  }
}

/** Tells each address of a host, once they are known. */
function lookUp(host: string, each: (address: string) => void): void {
  lookup(host, { all: true }, (_, found) => {
    for (const { address } of found ?? []) each(address);
  });
}

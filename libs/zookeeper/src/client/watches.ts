import type { WatchEvent } from "../wire/responses.ts";
import type { Watch } from "../zookeeper.ts";

type Kind = "data" | "children";

/** The watches that are set on the server, each for one event. */
export class Watches {
  readonly #byKind: Readonly<Record<Kind, Map<string, Set<Watch>>>> = { data: new Map(), children: new Map() };

  add(kind: Kind, path: string, watch: Watch | undefined): void {
    if (watch === undefined) return;
    const watches = this.#byKind[kind].get(path) ?? new Set();
    this.#byKind[kind].set(path, watches.add(watch));
  }

  fire({ type, path }: WatchEvent): void {
    if (type === "session") return;
    if (type !== "childrenChanged") this.#fire("data", path);
    if (type !== "created" && type !== "dataChanged") this.#fire("children", path);
  }

  /** Changes may have been missed: everybody is told to look again. */
  fireAll(): void {
    for (const kind of ["data", "children"] as const) {
      for (const path of [...this.#byKind[kind].keys()]) this.#fire(kind, path);
    }
  }

  #fire(kind: Kind, path: string): void {
    const watches = this.#byKind[kind].get(path);
    this.#byKind[kind].delete(path);
    for (const watch of watches ?? []) watch();
  }
}

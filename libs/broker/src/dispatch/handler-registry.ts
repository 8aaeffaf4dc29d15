import type { AnyApiHandler } from "../api-handler.ts";

/** A served API as ApiVersions lists it. */
export interface ServedApi {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** The APIs that this broker serves. What it advertises is what is here. */
export class HandlerRegistry {
  readonly #handlers = new Map<number, AnyApiHandler>();

  constructor(handlers: Iterable<AnyApiHandler>) {
    for (const handler of handlers) this.#add(handler);
  }

  get(apiKey: number): AnyApiHandler | undefined {
    return this.#handlers.get(apiKey);
  }

  /** What ApiVersions answers, by API key. */
  advertised(): ServedApi[] {
    return [...this.#handlers.values()]
      .filter((handler) => handler.advertised !== false)
      .map(({ api, minVersion, advertisedMinVersion, maxVersion }) => ({
        apiKey: api.key,
        minVersion: advertisedMinVersion ?? minVersion,
        maxVersion,
      }))
      .sort((a, b) => a.apiKey - b.apiKey);
  }

  #add(handler: AnyApiHandler): void {
    const { key, name } = handler.api;
    if (this.#handlers.has(key)) throw new Error(`two handlers serve ${name}`);
    this.#handlers.set(key, handler);
  }
}

import type { ClusterView } from "@ottla/client/internal";

/** What a consumer subscribes to: topics by name, or all whose names a regular expression finds. */
export class Subscription {
  readonly names: readonly string[];
  /** Undefined where topics are named. */
  readonly pattern: RegExp | undefined;

  private constructor(names: readonly string[], pattern: RegExp | undefined) {
    this.names = names;
    this.pattern = pattern;
  }

  static toNames(names: readonly string[]): Subscription {
    return new Subscription([...new Set(names)], undefined);
  }

  /** The flags `g` and `y` make no difference: a name is looked at from its beginning each time. */
  static toPattern({ source, flags }: RegExp): Subscription {
    return new Subscription([], new RegExp(source, flags.replace(/[gy]/g, "")));
  }

  includes(topic: string): boolean {
    return this.pattern === undefined ? this.names.includes(topic) : this.pattern.test(topic);
  }

  /** The topics meant, as far as they are known. A pattern does not find internal topics (`exclude.internal.topics`). */
  topicsIn({ topics }: ClusterView): readonly string[] {
    const { pattern } = this;
    if (pattern === undefined) return this.names;
    return [...topics.values()]
      .filter(({ name, isInternal }) => !isInternal && pattern.test(name))
      .map(({ name }) => name);
  }

  /**
   * The pattern as the consumer protocol's coordinator takes it: RE2, and it must match the whole name.
   * JavaScript's `RegExp` looks for it anywhere in the name; the expression says the same in both places.
   */
  get serverRegex(): string | null {
    if (this.pattern === undefined) return null;
    const { source, flags } = this.pattern;
    const inline = [...flags].filter((flag) => "ims".includes(flag)).join("");
    return `${inline === "" ? "" : `(?${inline})`}.*(?:${source}).*`;
  }
}

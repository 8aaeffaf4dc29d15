import { RE2JS, RE2JSException } from "re2js";

/** What is wrong with an expression, or null where nothing is. */
export function regexProblem(regex: string): string | null {
  try {
    RE2JS.compile(regex);
    return null;
  } catch (error) {
    if (error instanceof RE2JSException) return error.message;
    throw error;
  }
}

/**
 * The names that the expression matches as a whole, in RE2 syntax: in time linear to their length, whatever a client
 * has thought of.
 */
export function matchTopics(regex: string, names: Iterable<string>): ReadonlySet<string> {
  const pattern = RE2JS.compile(regex);
  const matched = new Set<string>();
  for (const name of names) if (pattern.matches(name)) matched.add(name);
  return matched;
}

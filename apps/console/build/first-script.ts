import type { Plugin } from "vite";

/**
 * Says of a module whether the first script imports it, directly or through others. All of that is needed at once, so it
 * becomes one file: left to itself the bundler makes a dozen of it, one for each set of views that share something, which take
 * as many requests and compress worse.
 */
export function firstScript(entry: RegExp): { readonly plugin: Plugin; readonly has: (id: string) => boolean } {
  const modules = new Set<string>();
  return {
    has: (id) => modules.has(id),
    plugin: {
      name: "first-script",
      apply: "build",
      buildEnd() {
        const waiting = [...this.getModuleIds()].filter((id) => entry.test(id));
        for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
          if (modules.has(id)) continue;
          modules.add(id);
          waiting.push(...(this.getModuleInfo(id)?.importedIds ?? []));
        }
      },
    },
  };
}

import { computed, signal } from "@preact/signals";

/** Where the page is: the part of its address after `#`. Every view has one, so that it can be bookmarked and sent on. */
export interface Route {
  /** Parts of the path, decoded: `#/topics/orders` is `["topics", "orders"]`. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

const hash = signal(location.hash);
addEventListener("hashchange", () => {
  hash.value = location.hash;
});

export const route = computed<Route>(() => parseHash(hash.value));

export function parseHash(text: string): Route {
  const [path = "", query = ""] = text.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean).map(decodePart), query: new URLSearchParams(query) };
}

/** Whoever writes an address by hand may write half an escape. */
function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a view. Empty values of the query are left out. */
export function hrefOf(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") search.set(name, value);
  const text = search.toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}

export function navigate(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): void {
  location.hash = hrefOf(path, query);
  // The event comes later; whoever asks meanwhile shall see the new address.
  hash.value = location.hash;
}

/** Changes the address where only a setting of the same view changes: nothing to go back to. */
export function replaceQuery(query: Readonly<Record<string, string | undefined>>): void {
  history.replaceState(null, "", hrefOf(route.peek().path, query));
  hash.value = location.hash;
}

import { signal } from "@preact/signals";
import { navigate } from "./router.ts";
import { toggleTheme } from "./theme.ts";

export const isHelpOpen = signal(false);

/** After `g`, the first letter of a view goes there. */
const VIEWS: Readonly<Record<string, readonly string[]>> = {
  o: [],
  t: ["topics"],
  g: ["groups"],
  c: ["cluster"],
  x: ["transactions"],
  k: ["clients"],
  l: ["live"],
};

/** How long `g` waits for its letter. */
const CHORD_MS = 1_200;

let chordAtMs = Number.NEGATIVE_INFINITY;

export function listenToKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (react(event.key)) event.preventDefault();
  });
}

function react(key: string): boolean {
  const isChord = performance.now() - chordAtMs < CHORD_MS;
  chordAtMs = Number.NEGATIVE_INFINITY;
  const view = isChord ? VIEWS[key] : undefined;
  if (view !== undefined) navigate(view);
  else if (key === "g") chordAtMs = performance.now();
  else if (key === "/") return focusSearch();
  else if (key === "?") isHelpOpen.value = true;
  else if (key === "d") toggleTheme();
  else return false;
  return true;
}

function focusSearch(): boolean {
  const field = document.querySelector<HTMLInputElement>("[data-search]");
  field?.focus();
  field?.select();
  return field !== null;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, dialog") !== null;
}

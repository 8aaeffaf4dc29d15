import type { Page } from "playwright-core";

/** How much of a page has moved since it was loaded, and how far, as web.dev counts it: what is good is below 0.1. */
export interface LayoutShifts {
  readonly total: number;
  /** The largest first, with what has moved from where to where. */
  readonly entries: readonly string[];
}

/** Chromium keeps so many until somebody asks, from a page's start on. */
export function layoutShifts(page: Page): Promise<LayoutShifts> {
  return page.evaluate(shiftsOfPage);
}

interface ShiftEntry extends PerformanceEntry {
  readonly value: number;
  readonly sources: readonly {
    readonly node: Node | null;
    readonly previousRect: DOMRectReadOnly;
    readonly currentRect: DOMRectReadOnly;
  }[];
}

/** Runs in the page, so it uses nothing from outside. A page that has moved nothing reports nothing. */
async function shiftsOfPage(): Promise<LayoutShifts> {
  const nameOf = (node: Node | null) => {
    const element = node instanceof Element ? node : (node?.parentElement ?? null);
    if (element === null) return "what is gone";
    return [element.localName, ...element.classList].join(".");
  };
  const placeOf = ({ x, y, width, height }: DOMRectReadOnly) =>
    `${Math.round(x)},${Math.round(y)} ${Math.round(width)}x${Math.round(height)}`;
  const said = ({ value, startTime, sources }: ShiftEntry) => {
    const moved = sources.map(
      ({ node, previousRect, currentRect }) => `${nameOf(node)} ${placeOf(previousRect)} to ${placeOf(currentRect)}`,
    );
    return `${value.toFixed(3)} after ${Math.round(startTime)} ms: ${moved.join(", ")}`;
  };
  // What has come last may not be drawn yet, and only what is drawn has moved.
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  return await new Promise((resolve) => {
    new PerformanceObserver((list) => {
      const shifts = (list.getEntries() as ShiftEntry[]).sort((a, b) => b.value - a.value);
      const total = shifts.reduce((sum, { value }) => sum + value, 0);
      resolve({ total, entries: shifts.slice(0, 3).map(said) });
    }).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => resolve({ total: 0, entries: [] }), 500);
  });
}

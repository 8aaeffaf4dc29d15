import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { PageState } from "../feed/state.ts";

/**
 * A canvas that `draw` paints with each picture of the page's state, when its size or the theme changes, and from then
 * on again as long as `draw` returns true: something in it moves.
 */
export function useCanvas(state: PageState, draw: (canvas: HTMLCanvasElement) => boolean) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => keepDrawn(canvas.current!, state, draw), [state, draw]);
  return canvas;
}

function keepDrawn(canvas: HTMLCanvasElement, state: PageState, draw: (canvas: HTMLCanvasElement) => boolean) {
  let planned = 0;
  const plan = () => {
    planned ||= requestAnimationFrame(() => {
      planned = 0;
      if (draw(canvas)) plan();
    });
  };
  const stopWatching = effect(() => {
    state.frame.value;
    plan();
  });
  const stopObserving = onLookChange(canvas, plan);
  return () => {
    stopWatching();
    stopObserving();
    cancelAnimationFrame(planned);
  };
}

/** Calls `react` when the element's size or the color scheme changes; returns how to stop that. */
export function onLookChange(element: Element, react: () => void): () => void {
  const sizes = new ResizeObserver(react);
  sizes.observe(element);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", react);
  return () => {
    sizes.disconnect();
    scheme.removeEventListener("change", react);
  };
}

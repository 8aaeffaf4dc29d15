/** A drawing area as large as its place in the page, at the screen's own resolution. */
export interface Area {
  readonly context: CanvasRenderingContext2D;
  /** In CSS pixels, which are also the units of the context. */
  readonly width: number;
  readonly height: number;
}

/** Fits the canvas to its place and clears it; null while it has no place. */
export function prepare(canvas: HTMLCanvasElement): Area | null {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = canvas.getContext("2d");
  if (context === null || width === 0 || height === 0) return null;
  const scale = globalThis.devicePixelRatio || 1;
  const [pixelWidth, pixelHeight] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== pixelWidth) canvas.width = pixelWidth;
  if (canvas.height !== pixelHeight) canvas.height = pixelHeight;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** A color of the page's theme, as it is at this moment. */
export function themeColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

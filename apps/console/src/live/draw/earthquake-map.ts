import coastline from "virtual:coastline";
import type { Earthquake } from "../model/earthquakes.ts";
import { type Area, prepare, themeColor } from "./canvas.ts";
import { project, WORLD_HEIGHT, WORLD_WIDTH } from "./projection.ts";

/** A ring spreads from an earthquake that has just been read. */
const RIPPLE_MS = 2_500;
/** By then an earthquake has faded to what is left of it while it stays on the map. */
const FADE_MS = 40_000;
const FADED = 0.16;

/** The grid of the outlines, as `build/coastline.ts` makes them. */
const UNITS_PER_DEGREE = 5;

/** The outlines of the land on the plane. */
const LAND: readonly (readonly [x: number, y: number])[][] = coastline.map(projectRing);

function projectRing(differences: readonly number[]): [number, number][] {
  const ring: [number, number][] = [];
  let [longitude, latitude] = [0, 0];
  for (let index = 0; index < differences.length; index += 2) {
    longitude += differences[index]!;
    latitude += differences[index + 1]!;
    ring.push(project(longitude / UNITS_PER_DEGREE, latitude / UNITS_PER_DEGREE));
  }
  return ring;
}

/** Draws a world map and earthquakes on it, larger the stronger they are, fading with time. */
export function drawEarthquakes(canvas: HTMLCanvasElement, earthquakes: readonly Earthquake[], nowMs: number): void {
  const area = prepare(canvas);
  if (area === null) return;
  const place = fit(area);
  drawLand(area, place);
  for (const earthquake of earthquakes) drawEarthquake(area.context, earthquake, place, nowMs);
}

/** Whether something still moves: the map has to be drawn again soon. */
export function isMoving(earthquakes: readonly Earthquake[], nowMs: number): boolean {
  const last = earthquakes[earthquakes.length - 1];
  return last !== undefined && nowMs - last.writtenAtMs < FADE_MS;
}

type Place = (x: number, y: number) => [number, number];

/** From the plane to the area, as large as fits. */
function fit({ width, height }: Area): Place {
  const scale = Math.min(width / WORLD_WIDTH, height / WORLD_HEIGHT) * 0.98;
  return (x, y) => [width / 2 + x * scale, height / 2 - y * scale];
}

function drawLand({ context }: Area, place: Place): void {
  context.beginPath();
  for (const ring of LAND) {
    ring.forEach(([x, y], index) => {
      if (index === 0) context.moveTo(...place(x, y));
      else context.lineTo(...place(x, y));
    });
    context.closePath();
  }
  context.fillStyle = themeColor("land");
  context.fill();
  context.strokeStyle = themeColor("coast");
  context.lineWidth = 0.6;
  context.stroke();
}

function drawEarthquake(
  context: CanvasRenderingContext2D,
  { longitude, latitude, magnitude, writtenAtMs }: Earthquake,
  place: Place,
  nowMs: number,
): void {
  const [x, y] = place(...project(longitude, latitude));
  const ageMs = nowMs - writtenAtMs;
  const radius = 1.5 + Math.max(0, magnitude) ** 1.6 / 1.6;
  const color = magnitudeColor(magnitude);
  context.globalAlpha = Math.max(FADED, 0.85 * (1 - ageMs / FADE_MS));
  context.fillStyle = color;
  circle(context, x, y, radius);
  context.fill();
  if (ageMs < RIPPLE_MS) {
    const progress = ageMs / RIPPLE_MS;
    context.globalAlpha = 0.9 * (1 - progress);
    context.strokeStyle = color;
    context.lineWidth = 1.5;
    circle(context, x, y, radius + 4 + progress * (12 + magnitude * 4));
    context.stroke();
  }
  context.globalAlpha = 1;
}

function circle(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}

/** From yellow over orange to red, as strength goes from 1 to 6. */
export function magnitudeColor(magnitude: number): string {
  const share = Math.min(1, Math.max(0, (magnitude - 1) / 5));
  return `hsl(${Math.round(46 - 46 * share)} 92% 55%)`;
}

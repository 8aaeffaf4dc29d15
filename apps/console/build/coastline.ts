import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Plugin } from "vite";

/** The part of a TopoJSON file that matters here. */
interface Topology {
  readonly transform: { readonly scale: readonly [number, number]; readonly translate: readonly [number, number] };
  readonly arcs: readonly (readonly (readonly [number, number])[])[];
  readonly objects: { readonly land: { readonly arcs: readonly (readonly (readonly number[])[])[] } };
}

/** The name under which the page imports the outlines of the land. */
const MODULE = "virtual:coastline";

/** Rings with fewer points than this are islets that nobody sees at this size. */
const POINTS_MIN = 6;

/** A point that lies closer to the line between others is left out: on the page a degree is about two pixels wide. */
const TOLERANCE_DEGREES = 0.4;

/** So fine is the grid that points lie on. */
const UNITS_PER_DEGREE = 5;

/**
 * Makes `virtual:coastline` out of the world map of vega-datasets (Natural Earth, public domain): for each ring of land
 * longitudes and latitudes in turn, in fifths of a degree, as differences from the point before.
 */
export function coastline(): Plugin {
  return {
    name: "coastline",
    resolveId: (id) => (id === MODULE ? `\0${MODULE}` : undefined),
    load: (id) => (id === `\0${MODULE}` ? `export default ${JSON.stringify(readRings())};` : undefined),
  };
}

function readRings(): number[][] {
  // The package exports its entry only, `build/…`; its files lie beside that, in `data/`.
  const directory = join(dirname(createRequire(import.meta.url).resolve("vega-datasets")), "../data");
  const topology = JSON.parse(readFileSync(join(directory, "world-110m.json"), "utf8")) as Topology;
  const arcs = topology.arcs.map((arc) => decodeArc(arc, topology.transform));
  return topology.objects.land.arcs
    .flat()
    .map((ring) => joinArcs(ring, arcs))
    .filter((ring) => ring.length >= POINTS_MIN)
    .map(simplified)
    .map(toDifferences);
}

type Point = readonly [longitude: number, latitude: number];

/** Arcs are stored as differences between points of a grid. */
function decodeArc(arc: Topology["arcs"][number], { scale, translate }: Topology["transform"]): Point[] {
  let x = 0;
  let y = 0;
  return arc.map(([dx, dy]) => {
    x += dx;
    y += dy;
    return [x * scale[0] + translate[0], y * scale[1] + translate[1]];
  });
}

/** A ring names its arcs by number; `~n` is arc n backwards. Neighbouring arcs share their ends. */
function joinArcs(ring: readonly number[], arcs: readonly Point[][]): Point[] {
  return ring.flatMap((index, position) => {
    const points = index < 0 ? arcs[~index]!.slice().reverse() : arcs[index]!;
    return position === 0 ? points : points.slice(1);
  });
}

/** Keeps the ends and, between them, the points without which the line would run elsewhere (Douglas and Peucker). */
function simplified(points: readonly Point[]): readonly Point[] {
  const [first, last] = [points[0]!, points.at(-1)!];
  let [farthest, distance] = [0, TOLERANCE_DEGREES];
  for (let index = 1; index < points.length - 1; index++) {
    const away = distanceOf(points[index]!, first, last);
    if (away > distance) [farthest, distance] = [index, away];
  }
  if (farthest === 0) return points.length < 2 ? points : [first, last];
  return [...simplified(points.slice(0, farthest + 1)), ...simplified(points.slice(farthest)).slice(1)];
}

/** From a point to the line between two others; a ring begins and ends at the same one. */
function distanceOf([x, y]: Point, [fromX, fromY]: Point, [toX, toY]: Point): number {
  const [dx, dy] = [toX - fromX, toY - fromY];
  const length = Math.hypot(dx, dy);
  if (length === 0) return Math.hypot(x - fromX, y - fromY);
  return Math.abs(dx * (y - fromY) - dy * (x - fromX)) / length;
}

function toDifferences(ring: readonly Point[]): number[] {
  let [lastX, lastY] = [0, 0];
  return ring.flatMap(([longitude, latitude]) => {
    const [x, y] = [Math.round(longitude * UNITS_PER_DEGREE), Math.round(latitude * UNITS_PER_DEGREE)];
    const difference = [x - lastX, y - lastY];
    [lastX, lastY] = [x, y];
    return difference;
  });
}

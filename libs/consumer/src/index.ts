// By a star: esbuild puts into the first chunk whatever a module reaches that names something in use. A star names
// nothing, so what is exported below stays with the group engine, unless the page uses it itself.

export { RangeAssignor } from "./assignors/range-assignor.ts";
export { RoundRobinAssignor } from "./assignors/round-robin-assignor.ts";
export { CooperativeStickyAssignor } from "./assignors/sticky/cooperative-sticky-assignor.ts";
export { StickyAssignor } from "./assignors/sticky/sticky-assignor.ts";
export * from "./at-once.ts";

import type { Assignor } from "./assignor.ts";
import { rangeAssignor } from "./range.ts";
import { uniformAssignor } from "./uniform.ts";

/** The assignors that there are, by the names that clients ask for them. */
export const assignors: ReadonlyMap<string, Assignor> = new Map([
  ["uniform", uniformAssignor],
  ["range", rangeAssignor],
]);

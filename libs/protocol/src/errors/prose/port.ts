import type { ErrorName } from "../error-code.ts";

// What `#error-prose` stands for, whichever of the files beside this one it is: those of installed packages who check
// declarations see this one, which needs nothing but types.

/** What the error means, in a sentence or two. */
export declare function proseOf(name: ErrorName): string;

/** Errors may come: their meanings will be needed, with `isAll` also of those that producers and consumers do not get. */
export declare function expectErrors(isAll: boolean): void;

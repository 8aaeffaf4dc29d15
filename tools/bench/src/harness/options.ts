import { parseArgs } from "node:util";
import type { Effort } from "./scenario.ts";

/** What the command line asks for. */
export interface Options {
  readonly effort: Effort;
  /** Names of scenarios, or parts of names, in several options or between commas; none means all. */
  readonly only: readonly string[];
  /** A file, or "-" for stdout; undefined: no JSON. */
  readonly json: string | undefined;
  /** An SVG file; undefined: no picture. */
  readonly picture: string | undefined;
  readonly list: boolean;
}

const FULL = { repetitions: 5, repetitionMs: 60, quick: false };
const QUICK = { repetitions: 3, repetitionMs: 40, quick: true };

/** @throws TypeError for options that do not exist */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      json: { type: "string" },
      picture: { type: "string" },
      "soak-minutes": { type: "string", default: "0" },
      list: { type: "boolean", default: false },
    },
  });
  const soakMinutes = Number(values["soak-minutes"]);
  if (!(soakMinutes >= 0)) throw new TypeError("--soak-minutes is a number");
  return {
    effort: { ...(values.quick ? QUICK : FULL), soakMinutes },
    only: values.only.flatMap((names) => names.split(",")).filter((name) => name !== ""),
    json: values.json,
    picture: values.picture,
    list: values.list,
  };
}

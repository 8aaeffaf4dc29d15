import { accessSync, constants } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { TimeLimits } from "./run-time.ts";
import type { Effort } from "./scenario.ts";

/** What the command line asks for. */
export interface Options {
  readonly effort: Effort;
  readonly limits: TimeLimits;
  /** Names of scenarios, or parts of names, in several options or between commas; none means all. */
  readonly only: readonly string[];
  /** A file, or "-" for stdout; undefined: no JSON. */
  readonly json: string | undefined;
  /** An SVG file; undefined: no picture. */
  readonly picture: string | undefined;
  readonly list: boolean;
}

const FULL = {
  effort: { repetitions: 5, repetitionMs: 60, quick: false },
  limits: { runSeconds: 19.25 * 60, measureMs: 300 },
};
const QUICK = {
  effort: { repetitions: 3, repetitionMs: 40, quick: true },
  limits: { runSeconds: 105, measureMs: 300 },
};

/** What was asked for cannot be done: said in a line, not with a stack. */
export class UsageError extends Error {
  override name = "UsageError";
}

const POSSIBLE =
  "--quick, --only NAMES, --json FILE (- for standard output), --picture FILE, --soak-minutes NUMBER, --list";

/** @throws UsageError for options that do not exist, and files that cannot be written */
export function readOptions(args: readonly string[]): Options {
  const values = parse(args);
  const soakMinutes = Number(values["soak-minutes"]);
  if (!(soakMinutes >= 0)) throw new UsageError("--soak-minutes is a number");
  if (values.json !== "-") requireDirectory("--json", values.json);
  requireDirectory("--picture", values.picture);
  const { effort, limits } = values.quick ? QUICK : FULL;
  const only = values.only.flatMap((names) => names.split(",")).filter((name) => name !== "");
  return {
    effort: { ...effort, soakMinutes },
    // Who names scenarios wants all of them.
    limits: only.length === 0 ? limits : { ...limits, runSeconds: Number.POSITIVE_INFINITY },
    only,
    json: values.json,
    picture: values.picture,
    list: values.list,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string", multiple: true, default: [] },
        json: { type: "string" },
        picture: { type: "string" },
        "soak-minutes": { type: "string", default: "0" },
        list: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\nThe options are ${POSSIBLE}.`);
  }
}

/** A run takes minutes: that its figures cannot be written is found out before it. */
function requireDirectory(option: string, file: string | undefined): void {
  if (file === undefined) return;
  try {
    accessSync(dirname(resolve(file)), constants.W_OK);
  } catch (error) {
    throw new UsageError(`${option} ${file} cannot be written: ${error instanceof Error ? error.message : error}`);
  }
}

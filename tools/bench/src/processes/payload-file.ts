import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recordValues } from "../clients/bench-client.ts";

/** Files of values, one a line, for programs that read their records. */
export class PayloadFiles {
  readonly #directory = mkdtempSync(join(tmpdir(), "ottla-bench-payload-"));
  readonly #written = new Set<string>();

  /** A file of so many lines, each `prefix` and a value of a record of that size. */
  file(recordBytes: number, lines: number, prefix = ""): string {
    const path = join(this.#directory, `${recordBytes}-${lines}`);
    if (!this.#written.has(path)) {
      const values = recordValues(recordBytes).map((value) => `${prefix}${value}\n`);
      writeFileSync(path, Array.from({ length: lines }, (_, i) => values[i % values.length]).join(""));
      this.#written.add(path);
    }
    return path;
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

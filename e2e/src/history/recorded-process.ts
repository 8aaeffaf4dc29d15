import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Read, Send, TransactionHistory } from "@ottla/testing/internal";

type WriterLine =
  | { readonly kind: "begin"; readonly id: string }
  | { readonly kind: "send"; readonly id: string; readonly partition: string; readonly value: string }
  | { readonly kind: "sent"; readonly id: string; readonly value: string; readonly offset: number }
  | { readonly kind: "committing"; readonly id: string; readonly atMs: number }
  | { readonly kind: "trouble"; readonly id: string; readonly what: string }
  | { readonly kind: "end"; readonly id: string; readonly outcome: TransactionHistory["outcome"] };

type Line = WriterLine | ({ readonly kind: "read" } & Read);

/** A process of its own that writes or reads transactions, and what it says of it. */
export class RecordedProcess {
  readonly child: ChildProcess;
  readonly #name: string;
  readonly #lines: Line[] = [];
  #trouble = "";

  constructor(role: "writer" | "reader", name: string, args: readonly string[]) {
    this.#name = name;
    const program = fileURLToPath(new URL(`./${role}.mjs`, import.meta.url));
    this.child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    createInterface({ input: this.child.stdout! }).on("line", (line) => {
      // The last line of one that was killed may be torn.
      if (line.endsWith("}")) this.#lines.push(JSON.parse(line) as Line);
    });
    this.child.stderr!.on("data", (chunk) => {
      this.#trouble += chunk;
    });
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** What it complained of. */
  get trouble(): string {
    return (
      this.#trouble + this.#lines.flatMap((line) => (line.kind === "trouble" ? [`${line.id}: ${line.what}\n`] : []))
    );
  }

  get reads(): readonly Read[] {
    return this.#lines.filter((line) => line.kind === "read");
  }

  get committed(): number {
    return this.#lines.filter((line) => line.kind === "end" && line.outcome === "committed").length;
  }

  get transactions(): TransactionHistory[] {
    const transactions = new Map<string, { -readonly [Key in keyof TransactionHistory]: TransactionHistory[Key] }>();
    const offsets = new Map(this.#lines.flatMap((line) => (line.kind === "sent" ? [[line.value, line.offset]] : [])));
    for (const line of this.#lines) {
      if (line.kind === "read") continue;
      const { id } = line;
      const own = transactions.get(id) ?? { ...nothingYet(id, this.#name) };
      transactions.set(id, own);
      if (line.kind === "send") {
        const send: Send = { partition: line.partition, value: line.value, offset: offsets.get(line.value) ?? null };
        own.sends = [...own.sends, send];
      } else if (line.kind === "committing") own.committingAtMs = line.atMs;
      else if (line.kind === "end") own.outcome = line.outcome;
    }
    return [...transactions.values()];
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (!this.isAlive) return;
    const ended = once(this.child, "close");
    this.child.kill(signal);
    await ended;
  }
}

const nothingYet = (id: string, process: string): TransactionHistory => ({
  ...{ id, process, sends: [], committingAtMs: null, outcome: "unknown" },
});

import type { Effort, Row, Scenario } from "../harness/scenario.ts";
import { appendRows } from "../storage/append.ts";
import { besideReadersRow } from "../storage/beside-readers.ts";
import { compactionRow } from "../storage/compaction.ts";
import { copyRows } from "../storage/copies.ts";
import { makingRow } from "../storage/making.ts";
import { openingRow } from "../storage/opening.ts";
import { randomReadRow } from "../storage/random-read.ts";
import { recoveryRow, recoveryThreadsRow } from "../storage/recovery.ts";

async function* rows(effort: Effort): AsyncIterable<Row> {
  yield* appendRows();
  yield await recoveryRow();
  yield await recoveryThreadsRow();
  yield await randomReadRow();
  yield await besideReadersRow();
  yield await openingRow();
  yield makingRow();
  yield* copyRows();
  yield compactionRow(effort);
}

const scenario: Scenario = {
  name: "storage",
  description: "the log on disk beside bare loops, copies of each byte, and what a compaction pass costs producers",
  quietSeconds: { quick: 20, full: 56 },
  inQuick: false,
  rows,
};
export default scenario;

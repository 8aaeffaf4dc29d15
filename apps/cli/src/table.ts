/** Aligned columns with a header line: `rows` of objects, one column per key of `columns` (key -> title). */
export function formatTable<Row extends object>(
  rows: readonly Row[],
  columns: Partial<Record<keyof Row, string>>,
): string {
  const keys = Object.keys(columns) as (keyof Row)[];
  const lines = [keys.map((key) => columns[key] ?? ""), ...rows.map((row) => keys.map((key) => String(row[key])))];
  const widths = keys.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Prints rows as a table, or as JSON for programs. */
export function printRows<Row extends object>(
  rows: readonly Row[],
  columns: Partial<Record<keyof Row, string>>,
  options: { readonly json?: boolean; readonly empty: string },
): void {
  if (options.json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else process.stdout.write(`${rows.length === 0 ? options.empty : formatTable(rows, columns)}\n`);
}

/** For programs. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

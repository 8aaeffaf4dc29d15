import { expect, it } from "vitest";
import { formatTable } from "./table.ts";

it("aligns columns and leaves no blanks at the end of lines", () => {
  const rows = [
    { name: "a", partitions: 12 },
    { name: "longer", partitions: 1 },
  ];
  expect(formatTable(rows, { name: "TOPIC", partitions: "PARTITIONS" })).toBe(
    ["TOPIC   PARTITIONS", "a       12", "longer  1"].join("\n"),
  );
});

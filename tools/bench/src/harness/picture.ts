import { formatNumber, type ScenarioResult } from "./report.ts";
import type { ContestantResult, RowResult } from "./run-row.ts";

const WIDTH = 860;
const LABEL_WIDTH = 200;
const BAR_WIDTH = 440;
const BAR_HEIGHT = 18;
const LINE_HEIGHT = 24;
const ROW_GAP = 34;
const MARGIN = 20;
const OURS = "#2563eb";
const OTHERS = "#94a3b8";

/** Rates, as bars beside each other, row by row: an SVG that reads on a light page and on a dark one. */
export function drawPicture(scenarios: readonly ScenarioResult[], caption: string): string {
  const rows = scenarios.flatMap((scenario) => scenario.rows).filter(({ unit }) => unit === "records/s");
  const parts: string[] = [];
  let y = MARGIN + 18;
  parts.push(text(MARGIN, y, caption, "caption"));
  for (const row of rows) {
    y += ROW_GAP;
    parts.push(text(MARGIN, y, `${row.name}: records per second of CPU time, client and broker`, "title"));
    y += 10;
    for (const contestant of sorted(row)) {
      parts.push(bar(contestant, largest(row), y));
      y += LINE_HEIGHT;
    }
  }
  const height = y + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escapeText(caption)}</title>`,
    "<style>text{font:13px system-ui,sans-serif;fill:#334155}.title{font-weight:600}.caption{fill:#64748b}",
    "@media (prefers-color-scheme:dark){text{fill:#cbd5e1}.caption{fill:#94a3b8}}</style>",
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

/** CPU time is the steadiest figure; where nobody measured it, the clock has to do. */
function figureOf({ perCpuSecond, median }: ContestantResult): number {
  return perCpuSecond?.median ?? median;
}

function sorted(row: RowResult): ContestantResult[] {
  return [...row.contestants].sort((a, b) => figureOf(b) - figureOf(a));
}

function largest(row: RowResult): number {
  return Math.max(...row.contestants.map(figureOf));
}

function bar(contestant: ContestantResult, most: number, y: number): string {
  const { name } = contestant;
  const figure = figureOf(contestant);
  const width = Math.max(1, Math.round((figure / most) * BAR_WIDTH));
  const textY = y + BAR_HEIGHT - 4;
  const fill = name.startsWith("ottla") ? OURS : OTHERS;
  return [
    text(MARGIN, textY, name),
    `<rect x="${MARGIN + LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2" fill="${fill}"/>`,
    text(MARGIN + LABEL_WIDTH + width + 8, textY, formatNumber(figure)),
  ].join("\n");
}

function text(x: number, y: number, content: string, style = ""): string {
  return `<text x="${x}" y="${y}"${style === "" ? "" : ` class="${style}"`}>${escapeText(content)}</text>`;
}

function escapeText(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

import { formatNumber, type ScenarioResult } from "./report.ts";
import type { RowResult } from "./run-row.ts";

const WIDTH = 860;
const LABEL_WIDTH = 200;
const BAR_WIDTH = 440;
const BAR_HEIGHT = 18;
const LINE_HEIGHT = 24;
const ROW_GAP = 34;
const MARGIN = 20;
const OURS = "#2563eb";
const OTHERS = "#94a3b8";

/**
 * The main comparison, as bars beside each other, row by row: an SVG that reads on a light page and on a dark one. Whose
 * CPU time nobody measured has no bar: the clock's figures are others.
 */
export function drawPicture(scenarios: readonly ScenarioResult[], caption: string): string {
  const rows = scenarios.flatMap((scenario) => scenario.rows).filter(({ isMain }) => isMain);
  const parts: string[] = [];
  let y = MARGIN + 18;
  parts.push(text(MARGIN, y, caption, "caption"));
  for (const row of rows) {
    y += ROW_GAP;
    parts.push(text(MARGIN, y, `${row.name}: records per second of CPU time, client and broker`, "title"));
    y += 10;
    const bars = barsOf(row);
    for (const each of bars) {
      parts.push(bar(each, bars[0]!.figure, y));
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

interface Bar {
  readonly name: string;
  readonly figure: number;
}

/** The longest first. */
function barsOf({ contestants }: RowResult): Bar[] {
  return contestants
    .flatMap(({ name, perCpuSecond }) => (perCpuSecond === undefined ? [] : [{ name, figure: perCpuSecond.median }]))
    .sort((a, b) => b.figure - a.figure);
}

function bar({ name, figure }: Bar, most: number, y: number): string {
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

import { type Flight, LATE_MINUTES } from "../model/flights.ts";
import { type Area, prepare, themeColor } from "./canvas.ts";

/** What is shown of the delays; the few beyond are drawn at the edge. */
const DELAY_MIN = -30;
const DELAY_MAX = 120;
const DISTANCE_MAX = 2_800;
/** The flights read last are drawn brighter. */
const RECENT = 60;

const MARGIN = { left: 34, right: 18, top: 8, bottom: 20 };

/** Draws each flight as a point: distance to the right, delay upwards. */
export function drawFlights(canvas: HTMLCanvasElement, flights: readonly Flight[]): void {
  const area = prepare(canvas);
  if (area === null) return;
  drawGrid(area);
  const colors = { late: themeColor("late"), onTime: themeColor("accent") };
  const firstRecent = flights.length - RECENT;
  flights.forEach((flight, index) => {
    area.context.fillStyle = flight.delayMinutes > LATE_MINUTES ? colors.late : colors.onTime;
    drawFlight(area, flight, index >= firstRecent);
  });
}

function drawGrid(area: Area): void {
  const { context } = area;
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = themeColor("muted");
  context.strokeStyle = themeColor("grid");
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const delay of [0, 30, 60, 90, 120]) {
    const y = yOf(area, delay);
    line(context, MARGIN.left, y, area.width - MARGIN.right, y);
    context.fillText(delay === 0 ? "0" : `+${delay}`, MARGIN.left - 4, y);
  }
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  for (const miles of [0, 700, 1_400, 2_100, 2_800]) context.fillText(String(miles), xOf(area, miles), area.height - 5);
}

function drawFlight(area: Area, { distanceMiles, delayMinutes }: Flight, isRecent: boolean): void {
  const { context } = area;
  context.globalAlpha = isRecent ? 1 : 0.35;
  const size = isRecent ? 4 : 2.5;
  context.fillRect(xOf(area, distanceMiles) - size / 2, yOf(area, delayMinutes) - size / 2, size, size);
  context.globalAlpha = 1;
}

function xOf({ width }: Area, miles: number): number {
  return MARGIN.left + (Math.min(miles, DISTANCE_MAX) / DISTANCE_MAX) * (width - MARGIN.left - MARGIN.right);
}

function yOf({ height }: Area, delay: number): number {
  const share = (Math.min(DELAY_MAX, Math.max(DELAY_MIN, delay)) - DELAY_MIN) / (DELAY_MAX - DELAY_MIN);
  return height - MARGIN.bottom - share * (height - MARGIN.top - MARGIN.bottom);
}

function line(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** `1,234,567`. A dash stands for what is not known. */
export function count(value: number | undefined): string {
  return value === undefined ? "–" : whole.format(value);
}

/** `1.2M`. */
export function compact(value: number | undefined): string {
  if (value === undefined) return "–";
  return value < 10_000 ? whole.format(value) : short.format(value);
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** `1.5 MB`, in powers of 1,000. */
export function bytes(value: number | undefined): string {
  if (value === undefined || value < 0) return "–";
  let [amount, unit] = [value, 0];
  while (amount >= 999.5 && unit < UNITS.length - 1) [amount, unit] = [amount / 1_000, unit + 1];
  return `${amount < 9.95 && unit > 0 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[unit]}`;
}

export function perSecond(value: number | undefined): string {
  if (value === undefined) return "–";
  return value > 0 && value < 10 ? value.toFixed(1) : compact(Math.round(value));
}

export function milliseconds(value: number | undefined): string {
  if (value === undefined) return "–";
  if (value >= 1_000) return `${(value / 1_000).toFixed(1)} s`;
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

const SPANS: readonly (readonly [name: string, ms: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
];

/** `3 d 4 h`: the two largest units. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const at = SPANS.findIndex(([, unitMs]) => ms >= unitMs);
  const [name, unitMs] = SPANS[at]!;
  const rest = SPANS[at + 1];
  const amount = Math.floor(ms / unitMs);
  const remainder = rest === undefined ? 0 : Math.floor((ms % unitMs) / rest[1]);
  return remainder === 0 ? `${amount} ${name}` : `${amount} ${name} ${remainder} ${rest![0]}`;
}

/** Local time with milliseconds, as far as it can be one. */
export function timestamp(ms: number): string {
  if (ms < 0) return "no time";
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return String(ms);
  const pad = (value: number, digits = 2) => String(value).padStart(digits, "0");
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  return `${day} ${time}.${pad(date.getMilliseconds(), 3)}`;
}

/** The time alone where the day is today. */
export function shortTimestamp(ms: number): string {
  const text = timestamp(ms);
  const today = timestamp(Date.now()).slice(0, 10);
  return text.startsWith(today) ? text.slice(11) : text;
}

/** `1 topic`, `2 topics`. */
export function plural(amount: number, noun: string): string {
  return `${count(amount)} ${noun}${amount === 1 ? "" : "s"}`;
}

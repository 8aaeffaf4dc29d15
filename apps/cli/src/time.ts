/** A time in ISO 8601, in milliseconds since 1970; NaN where it is none. A day that its month does not have is none. */
export function parseTime(text: string): number {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})/.exec(text) ?? [];
  const isDay = Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return isDay ? Date.parse(text) : Number.NaN;
}

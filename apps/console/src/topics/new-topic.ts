/** The most that Kafka's protocol has room for. */
export const PARTITIONS_MAX = 2 ** 31 - 1;
export const REPLICAS_MAX = 2 ** 15 - 1;

const HOUR_MS = 3_600_000;

/** Whether a field may be sent: empty, or a whole number from 1 on. */
export function isCount(text: string, max: number): boolean {
  return text === "" || (/^[1-9]\d*$/.test(text) && Number(text) <= max);
}

/** Hours as a person writes them, in milliseconds; null for what is no time that records can be kept for. */
export function retentionMsOf(hours: string): number | null {
  const retentionMs = /^\d*\.?\d+$/.test(hours.trim()) ? Math.round(Number(hours) * HOUR_MS) : 0;
  return retentionMs >= 1 && Number.isSafeInteger(retentionMs) ? retentionMs : null;
}

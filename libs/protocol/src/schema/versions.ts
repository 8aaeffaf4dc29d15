/** A range of versions, both ends included; empty when `min > max`. */
export interface VersionRange {
  readonly min: number;
  /** `Infinity` where the range is open. */
  readonly max: number;
}

/** The range that holds no version. */
export const NO_VERSIONS: VersionRange = { min: 0, max: -1 };

/** The range that holds every version. */
export const ALL_VERSIONS: VersionRange = { min: 0, max: Number.POSITIVE_INFINITY };

/** Reads Kafka's notation: `"3"`, `"0-9"`, `"4+"`, `"none"`. */
export function parseVersions(text: string): VersionRange {
  if (text === "none") return NO_VERSIONS;
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text);
  if (match === null) throw new TypeError(`"${text}" is not a range of versions`);
  const min = Number(match[1]);
  if (match[2] !== undefined) return { min, max: Number.POSITIVE_INFINITY };
  return { min, max: match[3] === undefined ? min : Number(match[3]) };
}

/** Whether `version` lies in `range`. */
export function includesVersion(range: VersionRange, version: number): boolean {
  return version >= range.min && version <= range.max;
}

/** Kafka's notation for a range. */
export function formatVersions({ min, max }: VersionRange): string {
  if (max < min) return "none";
  if (max === Number.POSITIVE_INFINITY) return `${min}+`;
  return max === min ? `${min}` : `${min}-${max}`;
}

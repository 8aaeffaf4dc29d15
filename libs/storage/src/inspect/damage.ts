import type { Disk } from "@ottla/runtime";

/** Something that is wrong in a file. */
export interface Damage {
  readonly path: string;
  /** The byte in the file where it is; null where it concerns the file as a whole. */
  readonly position: number | null;
  readonly problem: string;
}

export type Report = (damage: Damage) => void;

/** What all checks share. */
export interface VerifyContext {
  readonly disk: Disk;
  readonly report: Report;
  /** Told of bytes of logs that have been read. */
  readonly onRead: (sizeBytes: number) => void;
}

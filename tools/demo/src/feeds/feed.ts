/** One record that a feed has to say. */
export interface FeedRecord {
  readonly key: string | null;
  readonly value: string;
  readonly timestampMs?: number;
}

/** A source of records for one topic. */
export interface Feed {
  readonly topic: string;
  readonly partitions: number;
  /** How often `next` is asked. */
  readonly intervalMs: number;
  /** The records of this interval. `position` counts the records already in the topic: a replay goes on there. */
  next(position: number): FeedRecord[] | Promise<FeedRecord[]>;
}

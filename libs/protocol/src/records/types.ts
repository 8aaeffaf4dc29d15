/** One header of a record, as read. Names may repeat and their order counts. */
export type RecordHeader = readonly [name: string, value: Uint8Array | null];

/** A key, value or header value on its way into a record: text is written as UTF-8. */
export type RecordData = Uint8Array | string | null;

/** One header of a record, as written. */
export type RecordHeaderInput = readonly [name: string, value: RecordData];

/** `CreateTime`: the producer's clock; `LogAppendTime`: the broker's, one for the whole batch. */
export type TimestampType = "CreateTime" | "LogAppendTime";

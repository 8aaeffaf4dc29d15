/**
 * The fixed header of a record batch of format version 2 (magic 2), as byte positions from the start of the batch.
 * All integers are big-endian. The CRC covers everything from the attributes to the end of the batch, so the base
 * offset and the leader epoch may be written in place without touching it.
 */
export const BASE_OFFSET_POSITION = 0;
export const BATCH_LENGTH_POSITION = 8;
export const PARTITION_LEADER_EPOCH_POSITION = 12;
export const MAGIC_POSITION = 16;
export const CRC_POSITION = 17;
export const ATTRIBUTES_POSITION = 21;
export const LAST_OFFSET_DELTA_POSITION = 23;
export const BASE_TIMESTAMP_POSITION = 27;
export const MAX_TIMESTAMP_POSITION = 35;
export const PRODUCER_ID_POSITION = 43;
export const PRODUCER_EPOCH_POSITION = 51;
export const BASE_SEQUENCE_POSITION = 53;
export const RECORDS_COUNT_POSITION = 57;

/** Bytes before the first record: the size of a batch without records. */
export const BATCH_HEADER_BYTES = 61;

/** Base offset and length: what must be at hand to know how long a batch is; the length counts from here on. */
export const BATCH_LENGTH_OVERHEAD_BYTES = 12;

/** The format version that this library reads and writes. */
export const RECORD_BATCH_MAGIC = 2;

export const ATTRIBUTE_COMPRESSION_MASK = 0x07;
export const ATTRIBUTE_LOG_APPEND_TIME = 0x08;
export const ATTRIBUTE_TRANSACTIONAL = 0x10;
export const ATTRIBUTE_CONTROL = 0x20;
export const ATTRIBUTE_DELETE_HORIZON = 0x40;

/** Stands for "none" in producer id, producer epoch, base sequence and leader epoch. */
export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;
export const NO_PARTITION_LEADER_EPOCH = -1;
export const NO_TIMESTAMP = -1;

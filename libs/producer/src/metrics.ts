/** Running totals of a producer since it was made, and how things are now. Sizes in bytes, times in ms. */
export interface ProducerMetrics {
  /** Records that brokers have acknowledged (with `acks: 0`: that were sent). */
  readonly recordSendTotal: number;
  /** Records whose send failed. */
  readonly recordErrorTotal: number;
  /** Records that were sent again after a failure, each time counted. */
  readonly recordRetryTotal: number;
  /** Batches sent, each attempt counted. */
  readonly batchTotal: number;
  /** Batches that were split because the broker found them too large. */
  readonly batchSplitTotal: number;
  /** Bytes of batches sent, compressed, each attempt counted. */
  readonly outgoingByteTotal: number;
  /** Produce requests sent. */
  readonly requestTotal: number;
  /** Produce requests that are not answered yet. */
  readonly requestsInFlight: number;
  /** Mean time from a request to its answer. */
  readonly requestLatencyAvgMs: number;
  /** The longest that a Produce request took to be answered, in milliseconds. */
  readonly requestLatencyMaxMs: number;
  /** How long brokers have told it to wait before the next request because of a quota, the mean over all answers, in milliseconds (`produce-throttle-time-avg`). */
  readonly produceThrottleTimeAvgMs: number;
  /** The longest such wait, in milliseconds (`produce-throttle-time-max`); 0 where no quota was exceeded. */
  readonly produceThrottleTimeMaxMs: number;
  /** Mean records of a batch. */
  readonly recordsPerBatchAvg: number;
  /** Records that were accepted and are not acknowledged yet, in bytes. */
  readonly bufferUsedBytes: number;
  /** The most that may wait: `bufferMemory`. */
  readonly bufferTotalBytes: number;
  /** Sends that wait for metadata or buffer memory. */
  readonly waitingSends: number;
}

/** The counters behind {@link ProducerMetrics}: plain numbers, added to where things happen. */
export class ProducerCounters {
  recordsSent = 0;
  recordsFailed = 0;
  recordsRetried = 0;
  recordsInBatches = 0;
  batches = 0;
  batchesSplit = 0;
  bytes = 0;
  requests = 0;
  answers = 0;
  requestsInFlight = 0;
  latencySumMs = 0;
  latencyMaxMs = 0;
  throttleSumMs = 0;
  throttleMaxMs = 0;

  requested(batches: number, bytes: number, records: number): void {
    this.requests++;
    this.requestsInFlight++;
    this.batches += batches;
    this.bytes += bytes;
    this.recordsInBatches += records;
  }

  answered(latencyMs: number): void {
    this.requestsInFlight--;
    this.answers++;
    this.latencySumMs += latencyMs;
    if (latencyMs > this.latencyMaxMs) this.latencyMaxMs = latencyMs;
  }

  throttled(throttleTimeMs: number): void {
    this.throttleSumMs += throttleTimeMs;
    if (throttleTimeMs > this.throttleMaxMs) this.throttleMaxMs = throttleTimeMs;
  }

  snapshot(buffer: { usedBytes: number; totalBytes: number; waitingSends: number }): ProducerMetrics {
    return {
      recordSendTotal: this.recordsSent,
      recordErrorTotal: this.recordsFailed,
      recordRetryTotal: this.recordsRetried,
      batchTotal: this.batches,
      batchSplitTotal: this.batchesSplit,
      outgoingByteTotal: this.bytes,
      requestTotal: this.requests,
      requestsInFlight: this.requestsInFlight,
      requestLatencyAvgMs: this.answers === 0 ? 0 : this.latencySumMs / this.answers,
      requestLatencyMaxMs: this.latencyMaxMs,
      produceThrottleTimeAvgMs: this.answers === 0 ? 0 : this.throttleSumMs / this.answers,
      produceThrottleTimeMaxMs: this.throttleMaxMs,
      recordsPerBatchAvg: this.batches === 0 ? 0 : this.recordsInBatches / this.batches,
      bufferUsedBytes: buffer.usedBytes,
      bufferTotalBytes: buffer.totalBytes,
      waitingSends: buffer.waitingSends,
    };
  }
}

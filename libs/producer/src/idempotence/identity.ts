/** By what id and epoch brokers know a producer, and what has to be before it may write to a partition. */
export interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Whether batches may be sent by this identity now. */
  readonly isKnown: boolean;
  /** Has the identity found out, where that does not happen by itself. */
  request(): void;
  /** The given identity is of no use any more, as a partition's sequence cannot go on; ignored if it is an old one. */
  bumpFrom(producerId: number, producerEpoch: number): void;
  /** Whether a batch may go to the partition now; if not, those who wait are told when it may. */
  admits(topic: string, partition: number): boolean;
}

/** The client's part of one run of a SASL mechanism. */
export interface SaslExchange {
  /** The client's first message. */
  first(): Uint8Array | Promise<Uint8Array>;
  /**
   * What to answer to the broker's message; null when there is nothing left to say.
   * @throws KafkaError when the broker does not prove what the mechanism asks of it
   */
  next(challenge: Uint8Array): Uint8Array | null | Promise<Uint8Array | null>;
}

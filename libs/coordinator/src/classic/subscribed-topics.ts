import { consumerProtocolSubscription, decodeConsumerProtocol, ProtocolError } from "@ottla/protocol";

/**
 * The topics in the subscriptions that consumers hand to their assignor; null when one of them speaks something else.
 * Every version of a subscription begins as version 0 does, and that much is enough.
 */
export function subscribedTopics(subscriptions: Iterable<Uint8Array>): ReadonlySet<string> | null {
  const topics = new Set<string>();
  try {
    for (const subscription of subscriptions) {
      // Not slice(): that of a Buffer shares its memory.
      const asVersion0 = new Uint8Array(subscription).fill(0, 0, 2);
      for (const topic of decodeConsumerProtocol(consumerProtocolSubscription, asVersion0).topics) topics.add(topic);
    }
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
  return topics;
}

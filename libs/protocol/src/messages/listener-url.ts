import { string } from "../schema/field.ts";

/**
 * Tag of Ottla's one extension to Kafka's messages. High, so that Kafka's own tags, which count
 * from 0, do not come near; other clients and brokers skip it.
 */
export const LISTENER_URL_TAG = 0x4f54;

/**
 * The URL under which a broker is reached, such as `wss://example.org/kafka`, beside its host and
 * port: those alone cannot carry the scheme and path of a WebSocket listener.
 */
/*#__NO_SIDE_EFFECTS__*/
export function listenerUrl<const V extends string>(versions: V) {
  return string({ versions, nullable: versions, tag: LISTENER_URL_TAG, ignorable: true, default: null });
}

export { KafkaError } from "@ottla/protocol/client";
export type {
  Authenticate,
  BrokerAddress,
  Connector,
  OAuthBearerSaslOptions,
  OAuthBearerToken,
  OAuthBearerTokenProvider,
  PasswordSaslOptions,
  SaslOptions,
  SslOptions,
} from "@ottla/transport";
export type { CallOptions } from "./deadline.ts";
export type { TroubleEvents } from "./events.ts";
export type { ClientOptions } from "./options.ts";
export {
  bytesSerde,
  type Data,
  type Deserializer,
  doubleSerde,
  integerSerde,
  jsonSerde,
  longSerde,
  type Serde,
  type Serializer,
  stringSerde,
} from "./serdes.ts";
export * from "./typed-topics/index.ts";

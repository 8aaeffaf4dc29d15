export {
  addressKey,
  DEFAULT_WEBSOCKET_PATH,
  formatAddress,
  formatHostPort,
  parseAddress,
  parseBootstrap,
} from "./address.ts";
export type {
  BrokerAddress,
  ByteChannel,
  ByteChannelHandlers,
  ConnectOptions,
  Connector,
  TransportKind,
  WriteDone,
} from "./byte-channel.ts";
export { type BackoffOptions, backoffMs } from "./client/backoff.ts";
export { BrokerConnection } from "./client/broker-connection.ts";
export {
  type Authenticate,
  type AuthenticationExchange,
  type BrokerConnectionOptions,
  CONNECTION_DEFAULTS,
  type RequestOptions,
} from "./client/connection-options.ts";
export { abortable, delay } from "./client/delay.ts";
export {
  RECONNECT_DEFAULTS,
  ReconnectingConnection,
  type ReconnectingConnectionOptions,
} from "./client/reconnecting-connection.ts";
export { createDefaultConnector, type DefaultConnectorOptions } from "./connector.ts";
export { FrameDecoder, type FrameDecoderOptions, type FrameMemory, SIZE_PREFIX_BYTES } from "./frame-decoder.ts";
export { createMemoryPair, type MemoryPairOptions } from "./memory-pair.ts";
export { createSaslAuthentication } from "./sasl/authentication.ts";
export type {
  OAuthBearerSaslOptions,
  OAuthBearerToken,
  OAuthBearerTokenProvider,
  PasswordSaslOptions,
  SaslOptions,
} from "./sasl/sasl-options.ts";
export type {
  AdvertisedAddress,
  ConnectionTraffic,
  HttpHandler,
  HttpRequest,
  HttpResponse,
  InboundRequest,
  RequestFrames,
  RequestHandler,
  ServerConnection,
} from "./server/contract.ts";
export {
  DEFAULT_PIPELINE_LIMITS,
  type PipelineLimits,
  ServerPipeline,
  type ServerPipelineOptions,
} from "./server/server-pipeline.ts";
export type { PemOrDer, SslOptions } from "./ssl-options.ts";
export { DEFAULT_SUBPROTOCOLS, ORDERED_SUBPROTOCOL, UNORDERED_SUBPROTOCOL } from "./subprotocol.ts";
export { FrameSizeError } from "./transport-error.ts";
export { createWebSocketConnector, type WebSocketConnectorOptions } from "./websocket-connector.ts";

export { freePort } from "./node/free-port.ts";
export { createNodeConnector, type NodeConnectorOptions } from "./node/platform.ts";
export { ListenError } from "./node/server/bind.ts";
export {
  DEFAULT_SERVER_LIMITS,
  type ListenerOptions,
  type ListenerProtocol,
  MAX_REQUEST_BYTES_LIMIT,
  type ServerLimits,
  type StartServerOptions,
} from "./node/server/options.ts";
export { type RunningListener, type RunningServer, startServer } from "./node/server/start-server.ts";
export { createTcpConnector, type TcpConnectorOptions } from "./node/tcp-connector.ts";
export { createNodeWebSocketConnector, type NodeWebSocketConnectorOptions } from "./node/websocket-connector.ts";
export { maskedMessage } from "./node/websocket-frames.ts";

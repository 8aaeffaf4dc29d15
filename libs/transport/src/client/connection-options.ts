import type { Runtime } from "@ottla/runtime";
import type { BrokerAddress, Connector } from "../byte-channel.ts";
import type { FrameMemory } from "../frame-decoder.ts";
import type { BrokerConnection } from "./broker-connection.ts";

/** Kafka's defaults for the settings below that have one. */
export const CONNECTION_DEFAULTS = {
  connectionSetupTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  maxInFlightRequests: 100,
  maxResponseBytes: 1024 * 1024 * 1024,
  clientSoftwareName: "ottla",
  clientSoftwareVersion: "0.1.0",
} as const;

export interface BrokerConnectionOptions {
  readonly address: BrokerAddress;
  readonly connector: Connector;
  readonly runtime: Runtime;
  /** `client.id`: names the client in the broker's logs and quotas. */
  readonly clientId: string | null;
  /** `socket.connection.setup.timeout.ms`; 10 s by default. */
  readonly connectionSetupTimeoutMs?: number;
  /** `request.timeout.ms`, for requests that give none of their own; 30 s by default. */
  readonly requestTimeoutMs?: number;
  /** Requests that wait for answers at a time; further ones wait their turn. 100 by default, as in Kafka's clients. */
  readonly maxInFlightRequests?: number;
  /** Largest response that is accepted; 1 GiB by default. */
  readonly maxResponseBytes?: number;
  /** Where responses are read to that come in pieces; new memory for each by default. */
  readonly memory?: FrameMemory | undefined;
  /** Name and version of the SDK, for the broker's metrics (KIP-511). */
  readonly clientSoftwareName?: string;
  readonly clientSoftwareVersion?: string;
  /** Highest versions to use, by API key, below those that both sides speak. */
  readonly maxVersions?: ReadonlyMap<number, number>;
  /** Runs after version negotiation and before any other request: the place of SASL. */
  readonly authenticate?: Authenticate;
  /** Gives up connecting. It has no effect on the open connection. */
  readonly signal?: AbortSignal;
}

/**
 * What an authentication may do with the connection. Its requests leave at once, also while those of everybody else wait
 * for a renewal to be done.
 */
export interface AuthenticationExchange
  extends Pick<BrokerConnection, "address" | "request" | "requestVersion" | "supports"> {
  /** Has the authentication run once more after this time, unless the connection has ended by then (KIP-368). */
  authenticateAgainIn(delayMs: number): void;
}

/** Proves to the broker who we are, or rejects: the connection is then closed. */
export type Authenticate = (exchange: AuthenticationExchange) => Promise<void>;

export interface RequestOptions {
  /** Version of the request; the highest that both sides speak by default. */
  readonly version?: number;
  /** How long the answer may take; `requestTimeoutMs` of the connection by default. */
  readonly timeoutMs?: number;
  /** Gives up waiting: rejects with ABORTED. The request itself may take effect all the same. */
  readonly signal?: AbortSignal;
}

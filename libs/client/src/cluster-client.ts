import type { ApiDefinition, RequestInput, ResponseOf } from "@ottla/protocol";
import { ErrorCode, expectErrors, findCoordinatorApi, KafkaError, metadataApi } from "@ottla/protocol/client";
import type { Runtime } from "@ottla/runtime";
import {
  type BrokerAddress,
  type BrokerConnection,
  CONNECTION_DEFAULTS,
  formatAddress,
  parseBootstrap,
} from "@ottla/transport";

import { checkCallOptions } from "./arguments.ts";
import { type AdvertisedBroker, addressOfBroker } from "./broker-address.ts";
import { BrokerSelector } from "./broker-selector.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { CoordinatorCache, type CoordinatorKind } from "./coordinators.ts";
import { type CallOptions, Deadline } from "./deadline.ts";
import { clientClosed, wrongOption } from "./errors.ts";
import { MetadataCache } from "./metadata/metadata-cache.ts";
import {
  type ClientOptions,
  type ClientSettings,
  resolveAuthentication,
  resolveConnector,
  resolveRuntime,
  resolveSettings,
} from "./options.ts";
import { isLostCoordinator, isRetriable, isStaleMetadata, retryBackoffMs } from "./retry-policy.ts";

/** Whom to ask. */
export type RequestTarget =
  | "any"
  | "controller"
  | { readonly broker: number }
  | { readonly group: string }
  | { readonly transactionalId: string };

/** A request's body, or how to make one for the version that was negotiated. */
export type RequestBody<A> = RequestInput<A> | ((version: number) => RequestInput<A>);

/** How {@link ClusterClient.ask} goes about it. */
export interface AskOptions<A> extends CallOptions {
  /** The longest wait for one answer. Default: `requestTimeoutMs`. A long poll gives the broker's wait and some more. */
  readonly requestTimeoutMs?: number;
  /**
   * The error code in a response that decides about it: retriable ones are tried again, others reject. Default: the
   * response's own `errorCode`, 0 where it has none. A caller that deals with a code itself returns 0 for it.
   */
  readonly errorOf?: (response: ResponseOf<A>) => number;
  /** The highest version to use, where later ones ask for what the caller does not have (topic ids). Default: any. */
  readonly maxVersion?: number;
  /** False: one attempt only. Default true: until the timeout, with backoff. */
  readonly retry?: boolean;
  /** Requests of different purposes do not queue behind each other: each has a connection to a broker of its own. */
  readonly purpose?: string;
}

/** What only the SDKs say of themselves, not their users. */
export interface ComponentOptions {
  /** What calls itself closed in errors, such as "The producer". */
  readonly component: string;
  /** Whether asking for a topic may create it (`allow.auto.create.topics`). */
  readonly allowAutoTopicCreation: boolean;
  /** Whether brokers answer it with more errors than they have for those who write and read. Default false. */
  readonly isAdmin?: boolean;
}

/** The transaction before is about to be complete: that takes less time than most troubles. As in Kafka's own client. */
const CONCURRENT_BACKOFF_MS = 20;

/**
 * One cluster as a client sees it: the core that producer, consumer and admin share. It finds brokers and keeps
 * connections to them, keeps the metadata fresh, finds coordinators, and sends requests with timeouts and retries.
 * Connections open when they are first needed; nothing happens before the first call.
 */
export class ClusterClient implements AsyncDisposable {
  readonly runtime: Runtime;
  readonly settings: ClientSettings;
  /** What is known of brokers, topics and leaders. */
  readonly metadata: MetadataCache;
  readonly #bootstrap: readonly BrokerAddress[];
  readonly #component: ComponentOptions;
  readonly #pool: ConnectionPool;
  readonly #selector: BrokerSelector;
  readonly #coordinators: CoordinatorCache;
  readonly #throttledUntilMs = new WeakMap<BrokerConnection, number>();
  #closed = false;

  /** @throws KafkaError INVALID_CONFIG when an option is wrong */
  constructor(options: ClientOptions, component: ComponentOptions) {
    expectErrors(component.isAdmin === true);
    this.#component = component;
    this.settings = resolveSettings(options);
    this.runtime = resolveRuntime(options);
    this.#bootstrap = bootstrapOf(options.bootstrapServers);
    this.metadata = new MetadataCache(this.runtime, this.settings, (topics) => this.#fetchMetadata(topics));
    this.#pool = new ConnectionPool({
      runtime: this.runtime,
      settings: this.settings,
      connector: resolveConnector(options, this.#bootstrap, this.runtime),
      authenticate: resolveAuthentication(options, this.runtime),
    });
    this.#selector = new BrokerSelector(this.#pool, this.#bootstrap, this.runtime.random);
    this.#coordinators = new CoordinatorCache(
      (body, errorOf) => this.ask("any", findCoordinatorApi, body, { errorOf, retry: false }),
      (node) => this.metadata.addBrokers([{ id: node.nodeId, address: this.addressOf(node), rack: null }]),
    );
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** A deadline for one operation of this client; `what` names it in errors. */
  deadline(what: string, options: CallOptions = {}): Deadline {
    checkCallOptions(what, options);
    return new Deadline(what, this.runtime, options.timeoutMs ?? this.settings.defaultApiTimeoutMs, options.signal);
  }

  /**
   * Sends a request and gives its response. Failures that may heal (no connection, a leader or coordinator that moved,
   * retriable error codes) are tried again with backoff until the timeout, after whatever makes them heal was done:
   * metadata refreshed, coordinator looked up, another broker picked.
   *
   * @throws KafkaError the broker's error if it is not retriable; REQUEST_TIMED_OUT with the last failure as its cause;
   *   ABORTED; CLOSED; UNSUPPORTED_VERSION if the broker is too old or too new for the request
   */
  async ask<A extends ApiDefinition>(
    target: RequestTarget,
    api: A,
    body: RequestBody<A>,
    options: AskOptions<A> = {},
  ): Promise<ResponseOf<A>> {
    const deadline = this.deadline(api.name, options);
    for (let failures = 1; ; failures++) {
      try {
        return await this.#attempt(target, api, body, options, deadline);
      } catch (error) {
        if (this.#closed) throw clientClosed(this.#component.component);
        if (options.retry === false || !isRetriable(error) || deadline.isOver) throw error;
        deadline.lastFailure = error;
        await deadline.sleep(this.retryBackoffMs(failures, error));
      }
    }
  }

  /** Notes how long a response asks not to be followed by another request on its connection (KIP-219). */
  throttled(connection: BrokerConnection, response: object): void {
    const { throttleTimeMs } = response as { throttleTimeMs?: number };
    if (throttleTimeMs === undefined || throttleTimeMs <= 0) return;
    const untilMs = this.runtime.clock.monotonicMs() + throttleTimeMs;
    this.#throttledUntilMs.set(connection, Math.max(untilMs, this.#throttledUntilMs.get(connection) ?? 0));
  }

  /** How long a broker wants to be left alone on this connection; 0 when it does not. */
  throttleLeftMs(connection: BrokerConnection): number {
    const untilMs = this.#throttledUntilMs.get(connection);
    return untilMs === undefined ? 0 : Math.max(0, untilMs - this.runtime.clock.monotonicMs());
  }

  /** How long to wait after the given number of failures in a row, of which `last` was the last; jitter included. */
  retryBackoffMs(failures: number, last?: KafkaError): number {
    const backoffMs = retryBackoffMs(this.settings, failures, this.runtime.random);
    return last?.errno === ErrorCode.CONCURRENT_TRANSACTIONS ? Math.min(backoffMs, CONCURRENT_BACKOFF_MS) : backoffMs;
  }

  /**
   * An open connection to a broker, shared by all who ask for the same purpose. Waits while the broker is in backoff.
   * @throws KafkaError retriable, if the broker cannot be reached or is not (yet) known
   */
  async connection(brokerId: number, deadline: Deadline, purpose?: string): Promise<BrokerConnection> {
    const broker = this.metadata.view.brokers.get(brokerId);
    if (broker === undefined) {
      this.metadata.requestRefresh();
      throw unknownBroker(brokerId);
    }
    return await deadline.race(this.#pool.get(broker.address, purpose), unanswered([broker.address]));
  }

  /** The open connection to a broker, if there is one: for hot paths that cannot wait for a promise. */
  openConnection(brokerId: number, purpose?: string): BrokerConnection | undefined {
    const broker = this.metadata.view.brokers.get(brokerId);
    return broker && this.#pool.open(broker.address, purpose);
  }

  /** Id of the broker that coordinates a group or transactional id. */
  async coordinator(kind: CoordinatorKind, key: string, deadline: Deadline): Promise<number> {
    return await this.#coordinators.find(kind, key, deadline);
  }

  /** Says that `brokerId` is not the coordinator any more: the next who asks looks it up again. */
  forgetCoordinator(kind: CoordinatorKind, key: string, brokerId: number): void {
    this.#coordinators.forget(kind, key, brokerId);
  }

  /** Where to connect to for a broker that a response tells of. */
  addressOf(broker: { readonly host: string; readonly port: number; readonly url?: string | null }): BrokerAddress {
    return addressOfBroker({ host: broker.host, port: broker.port, url: broker.url ?? null }, this.#bootstrap[0]!);
  }

  /** Makes brokers that a response tells of known, so that they can be asked. */
  learnBrokers(
    brokers: readonly (AdvertisedBroker & { readonly nodeId: number; readonly rack: string | null })[],
  ): void {
    this.metadata.addBrokers(
      brokers.map((broker) => ({ id: broker.nodeId, address: this.addressOf(broker), rack: broker.rack })),
    );
  }

  /** Name and version that the client gives of itself (KIP-511). */
  get software(): { readonly clientSoftwareName: string; readonly clientSoftwareVersion: string } {
    return CONNECTION_DEFAULTS;
  }

  /** Closes all connections; requests under way reject. Closing twice is harmless. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.metadata.close();
    await this.#pool.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #attempt<A extends ApiDefinition>(
    target: RequestTarget,
    api: A,
    body: RequestBody<A>,
    options: AskOptions<A>,
    deadline: Deadline,
  ): Promise<ResponseOf<A>> {
    if (this.#closed) throw clientClosed(this.#component.component);
    deadline.check();
    const brokerId = await this.#brokerIdOf(target, deadline);
    try {
      const connection = await this.#connect(brokerId, options.purpose ?? purposeOf(target), deadline);
      const version = connection.requestVersion(api, options.maxVersion);
      const request = typeof body === "function" ? body(version) : body;
      await this.#waitForThrottle(connection, deadline);
      const timeoutMs = options.requestTimeoutMs ?? this.settings.requestTimeoutMs;
      const asked = connection.request(api, request, { version, timeoutMs, signal: deadline.signal });
      // A request that is not answered in time costs the connection; the end of one caller's patience must not.
      const response =
        timeoutMs <= deadline.remainingMs
          ? await asked
          : await deadline.race(asked, unanswered([connection.address], api.name));
      this.throttled(connection, response as object);
      checkResponse(api, response, options.errorOf);
      return response;
    } catch (error) {
      this.#learnFrom(error, target, brokerId);
      throw error;
    }
  }

  async #waitForThrottle(connection: BrokerConnection, deadline: Deadline): Promise<void> {
    const waitMs = this.throttleLeftMs(connection);
    if (waitMs > 0) await deadline.sleep(waitMs);
  }

  async #brokerIdOf(target: RequestTarget, deadline: Deadline): Promise<number | null> {
    if (target === "any") return null;
    if (target === "controller") return await this.#controllerId(deadline);
    if ("broker" in target) return target.broker;
    if ("group" in target) return await this.coordinator("group", target.group, deadline);
    return await this.coordinator("transaction", target.transactionalId, deadline);
  }

  async #controllerId(deadline: Deadline): Promise<number> {
    const known = this.metadata.view.controllerId;
    if (known >= 0) return known;
    const { controllerId } = await this.metadata.refresh(deadline);
    if (controllerId >= 0) return controllerId;
    throw KafkaError.fromCode(ErrorCode.NOT_CONTROLLER, "The cluster has no controller at the moment");
  }

  async #connect(brokerId: number | null, purpose: string | undefined, deadline: Deadline): Promise<BrokerConnection> {
    if (brokerId !== null) return await this.connection(brokerId, deadline, purpose);
    return await deadline.race(this.#selector.connectToAny(this.metadata.view), unanswered(this.#bootstrap));
  }

  /** Does what makes the next attempt go elsewhere, if the error says that this one went to the wrong place. */
  #learnFrom(error: unknown, target: RequestTarget, brokerId: number | null): void {
    if (!(error instanceof KafkaError) || brokerId === null) return;
    // Who does not answer may lead and coordinate nothing any more.
    if (isStaleMetadata(error.errno) || error.errno === ErrorCode.REQUEST_TIMED_OUT) this.metadata.requestRefresh();
    if (typeof target === "string" || !isLostCoordinator(error.errno)) return;
    if ("group" in target) this.forgetCoordinator("group", target.group, brokerId);
    else if ("transactionalId" in target) this.forgetCoordinator("transaction", target.transactionalId, brokerId);
  }

  async #fetchMetadata(topics: readonly string[] | null) {
    const { allowAutoTopicCreation } = this.#component;
    const request = { topics: topics?.map((name) => ({ name })) ?? null, allowAutoTopicCreation };
    const response = await this.ask("any", metadataApi, request, { retry: false });
    if (response.brokers.length === 0) {
      throw KafkaError.fromCode(ErrorCode.LEADER_NOT_AVAILABLE, "The broker knows of no brokers yet");
    }
    return { response, bootstrap: this.#bootstrap[0]! };
  }
}

function unanswered(addresses: readonly BrokerAddress[], request = ""): string {
  return `${addresses.map(formatAddress).join(" and ")} did not answer ${request}`.trim();
}

/** The client stays with the transport that it comes in by, so there must be one. */
function bootstrapOf(servers: ClientOptions["bootstrapServers"]): BrokerAddress[] {
  const addresses = parseBootstrap(servers);
  const overWebSocket = addresses.filter(({ url }) => url !== undefined);
  if (overWebSocket.length === 0 || overWebSocket.length === addresses.length) return addresses;
  throw wrongOption('bootstrapServers must be either all "host:port" or all WebSocket URLs.');
}

/** Group requests may wait long (JoinGroup), so they get a connection of their own, as in Kafka's clients. */
function purposeOf(target: RequestTarget): string | undefined {
  return typeof target === "object" && !("broker" in target) ? "coordinator" : undefined;
}

function unknownBroker(brokerId: number): KafkaError {
  return new KafkaError(`Broker ${brokerId} is not in the cluster (any more).`, {
    code: "BROKER_NOT_AVAILABLE",
    retriable: true,
  });
}

/** @throws KafkaError for the error code that decides about the response */
function checkResponse<A extends ApiDefinition>(
  api: A,
  response: ResponseOf<A>,
  errorOf: ((response: ResponseOf<A>) => number) | undefined,
): void {
  const { errorCode, errorMessage } = response as { errorCode?: number; errorMessage?: string | null };
  const errno = errorOf === undefined ? (errorCode ?? ErrorCode.NONE) : errorOf(response);
  if (errno !== ErrorCode.NONE)
    throw KafkaError.fromCode(errno, errorMessage ? `${api.name}: ${errorMessage}` : api.name);
}

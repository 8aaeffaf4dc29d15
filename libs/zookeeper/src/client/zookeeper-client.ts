import type { ByteReader, ByteWriter } from "@ottla/protocol";
import type { Runtime, Timer } from "@ottla/runtime";
import { type BrokerAddress, backoffMs, type Connector, formatAddress } from "@ottla/transport";
import { ZOOKEEPER_ERRORS, ZooKeeperError } from "../errors.ts";
import { readTexts } from "../jute.ts";
import { OpCode, opCodeOf, writeMulti, writeOperation, writePath, writePathAndWatch } from "../wire/requests.ts";
import { readMulti, readStat, readZnode } from "../wire/responses.ts";
import type { SessionEvent, Watch, Znode, ZnodeOperation, ZnodeStat, ZooKeeper } from "../zookeeper.ts";
import { ServerConnection } from "./server-connection.ts";
import { Watches } from "./watches.ts";

export interface ZooKeeperClientOptions {
  readonly servers: readonly BrokerAddress[];
  /** How long the ensemble lets a silent session live; it may grant another time. */
  readonly sessionTimeoutMs: number;
  /** Opens TCP (or TLS) connections. */
  readonly connector: Connector;
  readonly runtime: Runtime;
}

/** Between attempts to reach a server, after all of them were tried. */
const RECONNECT_BACKOFF = { initialMs: 50, maxMs: 1000 };
/** Calls that wait for a connection. */
const WAITING_MAX = 10_000;
/** Paths of a multi-operation that errors name. */
const NAMED_MAX = 4;
/** How long the goodbye may take. */
const CLOSE_TIMEOUT_MS = 1000;

interface Call {
  readonly what: string;
  start(connection: ServerConnection): void;
  reject(error: ZooKeeperError): void;
}

/** A client of a real ensemble. It keeps its session across servers, and opens a new one after it expired. */
export class ZooKeeperClient implements ZooKeeper {
  readonly #options: ZooKeeperClientOptions;
  readonly #listeners = new Set<(event: SessionEvent) => void>();
  readonly #watches = new Watches();
  readonly #waiting: Call[] = [];
  readonly #abort = new AbortController();
  #connection: ServerConnection | null = null;
  #sessionId = 0n;
  #password: Uint8Array = new Uint8Array(16);
  #sessionTimeoutMs: number;
  #lastZxid = 0n;
  #nextServer: number;
  #failedAttempts = 0;
  #lastFailure: unknown;
  /** Set when no server could be reached for as long as a session lives: calls fail instead of waiting. */
  #unreachable = false;
  #unreachableTimer: Timer | null = null;
  #closed = false;

  constructor(options: ZooKeeperClientOptions) {
    if (options.servers.length === 0) throw new RangeError("zookeeper.connect names no server");
    this.#options = options;
    this.#sessionTimeoutMs = options.sessionTimeoutMs;
    this.#nextServer = options.runtime.random.nextInt(options.servers.length);
    this.#expectConnection();
    void this.#keepConnected();
  }

  get sessionId(): bigint {
    return this.#sessionId;
  }

  get sessionTimeoutMs(): number {
    return this.#sessionTimeoutMs;
  }

  /** @internal What proves that a session is ours: for tests that end it from elsewhere. */
  get sessionPassword(): Uint8Array {
    return this.#password;
  }

  create(path: string, data: Uint8Array, { ephemeral = false } = {}): Promise<void> {
    return this.#operate({ type: "create", path, data, ephemeral });
  }

  set(path: string, data: Uint8Array, version: number): Promise<void> {
    return this.#operate({ type: "set", path, data, version });
  }

  remove(path: string, version: number): Promise<void> {
    return this.#operate({ type: "remove", path, version });
  }

  get(path: string, watch?: Watch): Promise<Znode> {
    return this.#call(OpCode.GET_DATA, `reading ${path}`, pathAndWatch(path, watch), (reader) => {
      const znode = readZnode(reader);
      this.#watches.add("data", path, watch);
      return znode;
    });
  }

  async exists(path: string, watch?: Watch): Promise<ZnodeStat | null> {
    const added = () => this.#watches.add("data", path, watch);
    const read = (reader: ByteReader) => {
      const stat = readStat(reader);
      added();
      return stat;
    };
    const onRefused = (errno: number) => {
      if (errno === ZOOKEEPER_ERRORS.NO_NODE) added();
    };
    try {
      const body = pathAndWatch(path, watch);
      return await this.#call(OpCode.EXISTS, `looking for ${path}`, body, read, onRefused);
    } catch (error) {
      if (error instanceof ZooKeeperError && error.code === "NO_NODE") return null;
      throw error;
    }
  }

  children(path: string, watch?: Watch): Promise<readonly string[]> {
    return this.#call(OpCode.GET_CHILDREN, `listing ${path}`, pathAndWatch(path, watch), (reader) => {
      const names = readTexts(reader);
      this.#watches.add("children", path, watch);
      return names;
    });
  }

  multi(operations: readonly ZnodeOperation[]): Promise<void> {
    const named = operations.slice(0, NAMED_MAX).map(({ path }) => path);
    const what = `a multi-operation on ${named.join(", ")}${operations.length > NAMED_MAX ? " and more" : ""}`;
    return this.#call(OpCode.MULTI, what, (writer) => writeMulti(writer, operations), readMulti);
  }

  sync(path: string): Promise<void> {
    const body = (writer: ByteWriter) => writePath(writer, path);
    return this.#call(OpCode.SYNC, `a sync of ${path}`, body, () => {});
  }

  onSessionEvent(listener: (event: SessionEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves once there is a session; rejects with CONNECTION_LOSS where none was to be had within `timeoutMs`. */
  connected(timeoutMs: number): Promise<void> {
    if (this.#connection !== null) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const done = () => {
        timer.cancel();
        stopListening();
      };
      const timer = this.#options.runtime.timers.schedule(timeoutMs, () => {
        done();
        reject(this.#unreachableError(`opening a session within ${timeoutMs} ms`));
      });
      const stopListening = this.onSessionEvent((event) => {
        if (event !== "connected") return;
        done();
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    if (this.#closed) return;
    const timer = this.#options.runtime.timers.schedule(CLOSE_TIMEOUT_MS, () => connection?.destroy());
    this.#end();
    await connection?.closeSession();
    timer.cancel();
  }

  destroy(): void {
    if (this.#closed) return;
    const connection = this.#connection;
    this.#end();
    connection?.destroy();
  }

  #end(): void {
    this.#closed = true;
    this.#abort.abort();
    this.#unreachableTimer?.cancel();
    this.#rejectWaiting((what) => new ZooKeeperError("SESSION_EXPIRED", `The session was closed before ${what}`));
  }

  async #keepConnected(): Promise<void> {
    while (!this.#closed) {
      const server = this.#options.servers[this.#nextServer++ % this.#options.servers.length]!;
      try {
        await this.#serveFrom(server);
      } catch (error) {
        this.#lastFailure = error;
        this.#failedAttempts++;
        await this.#backOff();
      }
    }
  }

  /** Connects, opens or resumes the session, and returns when the connection has ended. */
  async #serveFrom(server: BrokerAddress): Promise<void> {
    const { connector, runtime, servers, sessionTimeoutMs } = this.#options;
    const timeoutMs = Math.max(this.#sessionTimeoutMs / servers.length, sessionTimeoutMs / 10);
    const channel = await connector.connect(server, { timeoutMs, signal: this.#abort.signal });
    let ended = () => {};
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const connection = new ServerConnection(channel, this.#sessionTimeoutMs, runtime, {
      onWatchEvent: (event) => this.#watches.fire(event),
      onClose: ended,
    });
    if (this.#closed) return connection.destroy();
    if (!(await this.#openSession(connection, server))) return connection.destroy();
    this.#serve(connection);
    await end;
    this.#lost(connection);
  }

  /** Whether there is a session now. */
  async #openSession(connection: ServerConnection, server: BrokerAddress): Promise<boolean> {
    const response = await connection.handshake({
      lastZxid: this.#lastZxid,
      sessionTimeoutMs: this.#options.sessionTimeoutMs,
      sessionId: this.#sessionId,
      password: this.#password,
    });
    if (response.sessionTimeoutMs <= 0) {
      this.#expired();
      return false;
    }
    this.#sessionId = response.sessionId;
    this.#password = response.password;
    this.#sessionTimeoutMs = response.sessionTimeoutMs;
    this.#options.runtime.logger.debug("ZooKeeper session open", { server: formatAddress(server) });
    return true;
  }

  #serve(connection: ServerConnection): void {
    this.#connection = connection;
    this.#failedAttempts = 0;
    this.#unreachable = false;
    this.#unreachableTimer?.cancel();
    if (this.#closed) return void connection.closeSession();
    for (const call of this.#waiting.splice(0)) call.start(connection);
    this.#tell("connected");
  }

  #lost(connection: ServerConnection): void {
    if (connection.lastZxid > this.#lastZxid) this.#lastZxid = connection.lastZxid;
    this.#connection = null;
    if (this.#closed) return;
    this.#expectConnection();
    this.#tell("disconnected");
    this.#watches.fireAll();
  }

  #expired(): void {
    this.#sessionId = 0n;
    this.#password = new Uint8Array(16);
    this.#rejectWaiting((what) => new ZooKeeperError("SESSION_EXPIRED", `The session expired before ${what}`));
    this.#tell("expired");
  }

  /** From now on calls wait for a connection, but not longer than a session lives. */
  #expectConnection(): void {
    this.#unreachableTimer = this.#options.runtime.timers.schedule(this.#sessionTimeoutMs, () => {
      this.#unreachable = true;
      this.#rejectWaiting((what) => this.#unreachableError(what));
    });
  }

  #unreachableError(what: string): ZooKeeperError {
    const servers = this.#options.servers.map(formatAddress).join(", ");
    const why = this.#lastFailure instanceof Error ? `: ${this.#lastFailure.message}` : "";
    const message = `No ZooKeeper server could be reached (${servers}) for ${what}${why}`;
    return new ZooKeeperError("CONNECTION_LOSS", message, { cause: this.#lastFailure });
  }

  async #backOff(): Promise<void> {
    const { runtime, servers } = this.#options;
    const rounds = Math.floor(this.#failedAttempts / servers.length);
    if (this.#closed || rounds === 0) return;
    const delayMs = backoffMs(RECONNECT_BACKOFF, rounds, runtime.random);
    await new Promise<void>((resolve) => void runtime.timers.schedule(delayMs, resolve, { keepAlive: true }));
  }

  #tell(event: SessionEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  #rejectWaiting(errorFor: (what: string) => ZooKeeperError): void {
    for (const call of this.#waiting.splice(0)) call.reject(errorFor(call.what));
  }

  #operate(operation: ZnodeOperation): Promise<void> {
    const what = `operation "${operation.type}" on ${operation.path}`;
    return this.#call(
      opCodeOf(operation),
      what,
      (writer) => writeOperation(writer, operation),
      () => {},
    );
  }

  #call<T>(
    opCode: number,
    what: string,
    writeBody: (writer: ByteWriter) => void,
    read: (reader: ByteReader) => T,
    onRefused?: (errno: number) => void,
  ): Promise<T> {
    if (this.#closed) return Promise.reject(new ZooKeeperError("SESSION_EXPIRED", "The session was closed"));
    if (this.#connection !== null) return this.#connection.request(opCode, what, writeBody, read, onRefused);
    if (this.#unreachable || this.#waiting.length >= WAITING_MAX) return Promise.reject(this.#unreachableError(what));
    return new Promise<T>((resolve, reject) => {
      const start = (connection: ServerConnection) =>
        resolve(connection.request(opCode, what, writeBody, read, onRefused));
      this.#waiting.push({ what, start, reject });
    });
  }
}

function pathAndWatch(path: string, watch: Watch | undefined): (writer: ByteWriter) => void {
  return (writer) => writePathAndWatch(writer, path, watch !== undefined);
}

import { ByteReader, ByteWriter } from "@ottla/protocol";
import { createSimulatedRuntime, type SimulatedRuntime } from "@ottla/runtime";
import { type ByteChannel, type Connector, createMemoryPair, FrameDecoder } from "@ottla/transport";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OpCode, Xid } from "../wire/requests.ts";
import { ZooKeeperClient } from "./zookeeper-client.ts";

const SESSION_TIMEOUT_MS = 6_000;
const PASSWORD = new Uint8Array(16).fill(7);

interface Request {
  readonly xid: number;
  readonly opCode: number;
}

/** A server's side of one connection, which does what the test says. */
class ServerSide {
  /** The session that the client has asked for: 0 for a new one. */
  asked: bigint | null = null;
  readonly requests: Request[] = [];
  readonly #channel: ByteChannel;
  readonly #script: Script;

  constructor(channel: ByteChannel, script: Script) {
    this.#channel = channel;
    this.#script = script;
    const decoder = new FrameDecoder({ maxFrameBytes: 1 << 20 });
    channel.start({
      onData: (chunk) => decoder.push(chunk, (frame) => this.#onFrame(new ByteReader(frame))),
      onDrain: () => {},
      onClose: () => {},
    });
  }

  reply(xid: number, errno: number, body: (writer: ByteWriter) => void = () => {}): Uint8Array {
    return frameOf((writer) => {
      writer.writeInt32(xid);
      writer.writeBigInt64(1n);
      writer.writeInt32(errno);
      body(writer);
    });
  }

  send(bytes: Uint8Array): void {
    this.#channel.write([bytes]);
  }

  close(): void {
    this.#channel.close();
  }

  #onFrame(reader: ByteReader): void {
    if (this.asked === null) {
      this.#onConnect(reader);
      return;
    }
    const request = { xid: reader.readInt32(), opCode: reader.readInt32() };
    if (request.opCode === OpCode.PING) {
      if (this.#script.answersPings) this.send(this.reply(Xid.PING, 0));
      return;
    }
    this.requests.push(request);
    this.#script.onRequest(this, request);
  }

  #onConnect(reader: ByteReader): void {
    reader.readInt32();
    reader.readBigInt64();
    reader.readInt32();
    this.asked = reader.readBigInt64();
    const session = this.#script.sessionFor(this.asked);
    if (session === null) return;
    this.send(
      frameOf((writer) => {
        writer.writeInt32(0);
        writer.writeInt32(session === "over" ? 0 : SESSION_TIMEOUT_MS);
        writer.writeBigInt64(session === "over" ? 0n : session);
        writer.writeNullableBytes(session === "over" ? new Uint8Array(16) : PASSWORD);
        writer.writeBoolean(false);
      }),
    );
  }
}

function frameOf(write: (writer: ByteWriter) => void): Uint8Array {
  const body = new ByteWriter();
  write(body);
  const frame = new ByteWriter();
  frame.writeNullableBytes(body.toUint8Array());
  return frame.toUint8Array();
}

interface Script {
  answersPings: boolean;
  /** The session that a client gets; "over": the one that it asks for has ended; null: no answer. */
  sessionFor(asked: bigint): bigint | "over" | null;
  onRequest(server: ServerSide, request: Request): void;
}

describe("the client of a ZooKeeper that behaves badly", () => {
  let runtime: SimulatedRuntime;
  let script: Script;
  let connections: { readonly port: number; readonly server: ServerSide }[];
  let events: string[];
  let client: ZooKeeperClient;
  /** No server takes connections. */
  let isAway: boolean;

  beforeEach(async () => {
    runtime = createSimulatedRuntime(1);
    connections = [];
    events = [];
    isAway = false;
    script = {
      answersPings: true,
      sessionFor: (asked) => (asked === 0n ? 1n : asked),
      onRequest: (server, { xid }) => server.send(server.reply(xid, 0)),
    };
    const connector: Connector = {
      connect: async ({ port }) => {
        if (isAway) throw new Error("connection refused");
        const [ours, theirs] = createMemoryPair();
        connections.push({ port, server: new ServerSide(theirs, script) });
        return ours;
      },
    };
    const servers = [1, 2].map((port) => ({ host: "zookeeper.test", port }));
    client = new ZooKeeperClient({ servers, sessionTimeoutMs: SESSION_TIMEOUT_MS, connector, runtime });
    client.onSessionEvent((event) => void events.push(event));
  });
  afterEach(() => client.destroy());

  const last = () => connections.at(-1)!;
  const ended = (call: Promise<unknown>) =>
    call.then(
      () => "done",
      (error: { readonly code?: string; readonly message: string }) => error.code ?? error.message,
    );

  /** Lets time pass until the call has ended. */
  async function outcomeOf(call: Promise<unknown>, withinMs = 20_000): Promise<string> {
    let outcome: string | null = null;
    void ended(call).then((how) => {
      outcome = how;
    });
    for (let passedMs = 0; outcome === null && passedMs < withinMs; passedMs += 50) await runtime.advance(50);
    return outcome ?? "nothing";
  }

  it.each([
    [-118, "SESSION_MOVED"],
    [-112, "SESSION_EXPIRED"],
    [-4321, "UNKNOWN_ERROR"],
    [12, "UNKNOWN_ERROR"],
  ])("takes error %d for %s, and goes on over the same connection", async (errno, code) => {
    script.onRequest = (server, { xid }) => server.send(server.reply(xid, errno));
    expect(await outcomeOf(client.set("/a", new Uint8Array(0), 0))).toBe(code);
    script.onRequest = (server, { xid }) => server.send(server.reply(xid, 0));
    expect(await outcomeOf(client.remove("/a", 0))).toBe("done");
    expect(connections).toHaveLength(1);
    expect(events).toEqual(["connected"]);
  });

  it("says which number it does not know", async () => {
    script.onRequest = (server, { xid }) => server.send(server.reply(xid, -4321));
    const failing = client.remove("/a", 0).catch((error: Error) => error.message);
    await runtime.advance(100);
    expect(await failing).toContain("error -4321");
  });

  it("leaves a server that takes connections and says nothing, for another one", async () => {
    await runtime.advance(100);
    script.sessionFor = () => null;
    const taken = connections.length;
    last().server.close();
    await runtime.advance(SESSION_TIMEOUT_MS * 0.9);
    const since = connections.slice(taken);
    expect(new Set(since.map(({ port }) => port)).size).toBe(2);
    script.sessionFor = (asked) => asked;
    await runtime.advance(SESSION_TIMEOUT_MS);
    expect(events).toEqual(["connected", "disconnected", "connected"]);
  });

  it("leaves a server that has fallen silent while a third of the session's time is left", async () => {
    expect(await outcomeOf(client.remove("/a", 0))).toBe("done");
    script.answersPings = false;
    script.onRequest = () => {};
    const before = runtime.clock.monotonicMs();
    expect(await outcomeOf(client.remove("/b", 0))).toBe("CONNECTION_LOSS");
    const tookMs = runtime.clock.monotonicMs() - before;
    expect(tookMs).toBeGreaterThan(SESSION_TIMEOUT_MS / 2);
    expect(tookMs).toBeLessThan(SESSION_TIMEOUT_MS * 0.85);
    script.answersPings = true;
    script.onRequest = (server, { xid }) => server.send(server.reply(xid, 0));
    expect(await outcomeOf(client.remove("/c", 0))).toBe("done");
    expect(last().server.asked, "the session is the same").toBe(1n);
    expect(
      connections
        .map(({ port }) => port)
        .slice(-2)
        .sort(),
      "on the other server",
    ).toEqual([1, 2]);
  });

  it("takes nothing from an answer that breaks off, and reads what the next server says from its beginning", async () => {
    script.onRequest = (server, { xid }) => {
      server.send(server.reply(xid, 0, (writer) => writer.writeNullableBytes(new Uint8Array(40))).subarray(0, 30));
      server.close();
    };
    expect(await outcomeOf(client.get("/a"))).toBe("CONNECTION_LOSS");
    script.onRequest = (server, { xid }) => server.send(server.reply(xid, 0));
    expect(await outcomeOf(client.remove("/a", 0))).toBe("done");
    expect(connections).toHaveLength(2);
    expect(events).toEqual(["connected", "disconnected", "connected"]);
    expect(last().server.asked).toBe(1n);
  });

  it("does not take one call's answer for another's", async () => {
    script.onRequest = (server, { xid }) => server.send(server.reply(xid + 1, 0));
    expect(await outcomeOf(client.remove("/a", 0))).toBe("CONNECTION_LOSS");
  });

  it("takes a list of children that is larger than 16 MB: ZooKeeper bounds only what it is sent", async () => {
    // As long as a million names of entries.
    const names = new Uint8Array(20_000_000).fill(0x30);
    const body = (writer: ByteWriter) => {
      writer.writeInt32(1);
      writer.writeNullableBytes(names);
    };
    script.onRequest = (server, { xid }) => server.send(server.reply(xid, 0, body));
    const listing = client.children("/many");
    expect(await outcomeOf(listing)).toBe("done");
    expect((await listing)[0]).toHaveLength(names.length);
  });

  it("leaves a server whose answer is larger than any", async () => {
    script.onRequest = (server) => server.send(new Uint8Array([0x7f, 0xff, 0xff, 0xff, 0]));
    expect(await outcomeOf(client.remove("/a", 0))).toBe("CONNECTION_LOSS");
  });

  it("says of calls that were not sent when the session ended that they were not done", async () => {
    await runtime.advance(100);
    isAway = true;
    last().server.close();
    await runtime.advance(10);
    expect(events).toEqual(["connected", "disconnected"]);
    const unsent = [client.remove("/a", 0), client.get("/b")].map(ended);
    script.sessionFor = (asked) => (asked === 0n ? 2n : "over");
    isAway = false;
    await runtime.advance(3_000);
    expect(await Promise.all(unsent)).toEqual(["SESSION_EXPIRED", "SESSION_EXPIRED"]);
    expect(events).toEqual(["connected", "disconnected", "expired", "connected"]);
    expect([client.sessionId, connections.at(-2)!.server.asked, last().server.asked]).toEqual([2n, 1n, 0n]);
    expect(
      connections.flatMap(({ server }) => server.requests),
      "nothing of them was sent",
    ).toEqual([]);
  });

  it("lets calls wait for a server no longer than a session lives", async () => {
    await runtime.advance(100);
    isAway = true;
    last().server.close();
    await runtime.advance(10);
    const unsent = ended(client.remove("/a", 0));
    await runtime.advance(SESSION_TIMEOUT_MS + 100);
    expect(await unsent).toBe("CONNECTION_LOSS");
  });
});

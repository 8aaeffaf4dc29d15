import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { apiVersionsApi, concatBytes, encodeRequest } from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { BrokerConnection, createDefaultConnector, parseAddress } from "@ottla/transport";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { BrokerProcess } from "../harness/broker-process.ts";
import { until } from "../harness/until.ts";
import { TCP, WEB_SOCKET } from "./carriers.ts";

const CLOSE_PROTOCOL_ERROR = 1002;
const CLOSE_UNSUPPORTED_DATA = 1003;
/** How long a client may take to say what it speaks; its tests with a clock of their own are in `@ottla/transport`. */
const HANDSHAKE_TIMEOUT_MS = 30_000;
const SLOW_CLIENTS = 200;

const apiVersionsRequest = (correlationId: number) =>
  concatBytes(encodeRequest(apiVersionsApi, 0, { correlationId, clientId: "good" }, {} as never));

describe("what is not Kafka, sent to a broker's process", () => {
  let broker: BrokerProcess;
  let good: BrokerConnection;
  let from: number;

  beforeAll(async () => {
    broker = await BrokerProcess.start({ dataDirectory: null });
    const runtime = createSystemRuntime();
    const connector = createDefaultConnector(runtime);
    const address = parseAddress(broker.bootstrapServers);
    good = await BrokerConnection.open({ address, connector, runtime, clientId: "good" });
  });
  afterAll(async () => {
    await good?.close();
    await broker?.stop();
  });

  beforeEach(() => {
    from = broker.output.length;
  });
  /** Whatever was sent: the connection that was there before goes on. */
  afterEach(async () => {
    expect(
      await good.request(apiVersionsApi, { clientSoftwareName: "good", clientSoftwareVersion: "1" }),
    ).toMatchObject({
      errorCode: 0,
    });
  });

  const linesSince = () =>
    broker.output
      .slice(from)
      .split("\n")
      .filter((line) => line !== "");
  async function expectOneLine(reason: RegExp): Promise<void> {
    await until(`a line of ${reason}`, () => linesSince().some((line) => reason.test(line)), 5_000);
    expect(linesSince()).toHaveLength(1);
  }
  const openSocket = async (): Promise<Socket> => {
    const socket = connect({ port: broker.port, host: "127.0.0.1" });
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  };
  const openWebSocket = async () => {
    const webSocket = new WebSocket(`ws://127.0.0.1:${broker.port}/kafka`, ["kafka"], { perMessageDeflate: false });
    webSocket.on("error", () => {});
    await once(webSocket, "open");
    return webSocket;
  };
  /** The bytes of a WebSocket frame as a client sends it, with a mask of zeros. */
  const webSocketFrame = (isLast: boolean, opcode: number, payload: Uint8Array) =>
    Buffer.concat([Uint8Array.of((isLast ? 0x80 : 0) | opcode, 0x80 | payload.length, 0, 0, 0, 0), payload]);
  const rawSocketOf = (webSocket: WebSocket) => (webSocket as unknown as { readonly _socket: Socket })._socket;

  it("HTTP gets an HTTP answer, as one port speaks both", async () => {
    const request = httpRequest({ port: broker.port, host: "127.0.0.1", path: "/no/such/page" }).end();
    const [response] = await once(request, "response");
    expect(response.statusCode).toBe(404);
    response.resume();
  });

  it("a TLS handshake on a plain port ends that connection, with one line", async () => {
    const socket = connectTls({ port: broker.port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "error");
    await expectOneLine(/TLS handshake on a listener without TLS/);
  });

  it("a size beyond socket.request.max.bytes ends that connection, with one line", async () => {
    const socket = await openSocket();
    socket.write(Uint8Array.of(0x20, 0, 0, 0, 1, 2, 3));
    await once(socket, "close");
    await expectOneLine(/Closing a connection/);
  });

  it("text in a WebSocket is refused with 1003, with one line", async () => {
    const webSocket = await openWebSocket();
    webSocket.send("hello");
    expect((await once(webSocket, "close"))[0]).toBe(CLOSE_UNSUPPORTED_DATA);
    await expectOneLine(/text message/);
  });

  it("a request in fragments, with a ping between them, is answered", async () => {
    const webSocket = await openWebSocket();
    const [bytes, socket] = [apiVersionsRequest(3), rawSocketOf(webSocket)];
    const answered = once(webSocket, "message");
    const ponged = once(webSocket, "pong");
    socket.write(webSocketFrame(false, 2, bytes.subarray(0, 2)));
    socket.write(webSocketFrame(true, 9, Uint8Array.of(1)));
    await ponged;
    socket.write(webSocketFrame(false, 0, bytes.subarray(2, 9)));
    socket.write(webSocketFrame(true, 0, bytes.subarray(9)));
    const [message] = await answered;
    expect((message as Buffer).readInt32BE(4)).toBe(3);
    expect(linesSince()).toEqual([]);
    webSocket.terminate();
  });

  it("a new message within a fragmented one is refused with 1002, with one line", async () => {
    const webSocket = await openWebSocket();
    const socket = rawSocketOf(webSocket);
    socket.write(webSocketFrame(false, 2, apiVersionsRequest(1).subarray(0, 2)));
    socket.write(webSocketFrame(true, 2, apiVersionsRequest(2)));
    expect((await once(webSocket, "close"))[0]).toBe(CLOSE_PROTOCOL_ERROR);
    await expectOneLine(/Closing a connection/);
  });

  it.each([TCP, WEB_SOCKET])(
    "several requests in one piece, and one byte at a time, are answered over $name",
    async (carrier) => {
      const connection = await carrier.open(broker.port);
      connection.send([concatBytes([1, 2, 3].map(apiVersionsRequest))]);
      connection.send([...apiVersionsRequest(4)].map((byte) => Uint8Array.of(byte)));
      await until("answered", () => connection.frames.length === 4, 5_000);
      const ids = connection.frames.map((frame) => Buffer.from(frame).readInt32BE(0));
      expect(ids).toEqual([1, 2, 3, 4]);
      connection.destroy();
    },
  );

  if (process.env.OTTLA_TEST_DEEP) {
    it("clients that never finish their HTTP header are dropped", {
      timeout: 3 * HANDSHAKE_TIMEOUT_MS,
    }, async () => {
      const sockets = await Promise.all(Array.from({ length: SLOW_CLIENTS }, openSocket));
      let closed = 0;
      for (const socket of sockets) {
        socket.on("close", () => closed++);
        socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nX-");
      }
      const dribble = setInterval(() => {
        for (const socket of sockets) if (!socket.destroyed) socket.write("a");
      }, 500);
      await until("dropped", () => closed === SLOW_CLIENTS, 2 * HANDSHAKE_TIMEOUT_MS);
      clearInterval(dribble);
      expect(linesSince()).toHaveLength(SLOW_CLIENTS);
    });
  }
});

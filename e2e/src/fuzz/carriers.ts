import { connect } from "node:net";
import { FrameDecoder } from "@ottla/transport";
import WebSocket from "ws";

const MAX_FRAME_BYTES = 64 * 1_048_576;

/** A connection on which anything may be said. */
export interface RawConnection {
  /** Frames that have come, without their sizes. */
  readonly frames: readonly Uint8Array[];
  readonly isClosed: boolean;
  send(chunks: readonly Uint8Array[]): void;
  /** Resolves when a frame has come or the connection is closed. */
  changed(timeoutMs: number): Promise<void>;
  destroy(): void;
}

/** A way to the broker. */
export interface Carrier {
  readonly name: string;
  open(port: number): Promise<RawConnection>;
}

class Received implements RawConnection {
  readonly frames: Uint8Array[] = [];
  isClosed = false;
  readonly #decoder = new FrameDecoder({ maxFrameBytes: MAX_FRAME_BYTES });
  readonly #send: (chunk: Uint8Array) => void;
  readonly destroy: () => void;
  #wake: () => void = () => {};

  constructor(send: (chunk: Uint8Array) => void, destroy: () => void) {
    this.#send = send;
    this.destroy = destroy;
  }

  send(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.#send(chunk);
  }

  receive(chunk: Uint8Array): void {
    this.#decoder.push(chunk, (frame) => this.frames.push(frame.slice()));
    this.#wake();
  }

  close(): void {
    this.isClosed = true;
    this.#wake();
  }

  changed(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

export const TCP: Carrier = {
  name: "TCP",
  open: (port) =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(connection));
      const connection = new Received(
        (chunk) => socket.write(chunk),
        () => socket.destroy(),
      );
      socket.on("data", (chunk) => connection.receive(chunk));
      socket.on("error", reject); // after it is open, `close` says all
      socket.on("close", () => connection.close());
    }),
};

export const WEB_SOCKET: Carrier = {
  name: "WebSocket",
  open: (port) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/kafka`, ["kafka"], { perMessageDeflate: false });
      const connection = new Received(
        (chunk) => socket.send(chunk),
        () => socket.terminate(),
      );
      socket.on("open", () => resolve(connection));
      socket.on("message", (data: Buffer) => connection.receive(data));
      socket.on("error", reject);
      socket.on("close", () => connection.close());
    }),
};

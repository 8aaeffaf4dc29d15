import {
  type ApiDefinition,
  correlationIdOf,
  decodeResponse,
  encodeRequest,
  type RequestInput,
  type ResponseOf,
} from "@ottla/protocol";
import { type ByteChannel, FrameDecoder } from "@ottla/transport";

interface Pending {
  resolve(frame: Uint8Array): void;
  reject(error: Error): void;
}

/** A client that sends any version of any request, and whatever bytes a test wants. */
export class TestClient {
  readonly #channel: ByteChannel;
  readonly #pending = new Map<number, Pending>();
  readonly #clientId: string;
  /** Resolves when the broker has closed the connection. */
  readonly closed: Promise<void>;
  /** Correlation ids in the order of the responses. */
  readonly answered: number[] = [];
  #nextCorrelationId = 1;

  constructor(channel: ByteChannel, clientId = "test") {
    this.#channel = channel;
    this.#clientId = clientId;
    const decoder = new FrameDecoder({ maxFrameBytes: 2 ** 30 });
    this.closed = new Promise((resolve) => {
      channel.start({
        onData: (chunk) => decoder.push(chunk, (frame) => this.#received(frame.slice())),
        onDrain() {},
        onClose: () => {
          this.#failAll();
          resolve();
        },
      });
    });
  }

  /** Sends a request and resolves to its response; rejects when the connection ends before. */
  async send<Api extends ApiDefinition>(api: Api, version: number, body: RequestInput<Api>): Promise<ResponseOf<Api>> {
    return decodeResponse(api, version, await this.sendForFrame(api, version, body));
  }

  /** The same, for tests that decode the response themselves. */
  sendForFrame<Api extends ApiDefinition>(api: Api, version: number, body: RequestInput<Api>): Promise<Uint8Array> {
    const correlationId = this.#nextCorrelationId++;
    const context = { correlationId, clientId: this.#clientId };
    const response = this.expect(correlationId);
    this.sendBytes(encodeRequest(api, version, context, body));
    return response;
  }

  /** Sends a request that gets no response. */
  sendUnanswered<Api extends ApiDefinition>(api: Api, version: number, body: RequestInput<Api>): void {
    const correlationId = this.#nextCorrelationId++;
    this.sendBytes(encodeRequest(api, version, { correlationId, clientId: this.#clientId }, body));
  }

  sendBytes(chunks: readonly Uint8Array[]): void {
    this.#channel.write(chunks);
  }

  /** The response frame with this correlation id. */
  expect(correlationId: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#pending.set(correlationId, { resolve, reject });
    });
  }

  /** Reads no more. */
  pause(): void {
    this.#channel.pause();
  }

  close(): void {
    this.#channel.destroy();
  }

  #received(frame: Uint8Array): void {
    const correlationId = correlationIdOf(frame);
    this.answered.push(correlationId);
    this.#pending.get(correlationId)?.resolve(frame);
    this.#pending.delete(correlationId);
  }

  #failAll(): void {
    for (const { reject } of this.#pending.values()) reject(new Error("the broker closed the connection"));
    this.#pending.clear();
  }
}

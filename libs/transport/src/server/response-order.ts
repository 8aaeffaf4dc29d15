import type { ByteChannel } from "../byte-channel.ts";
import { Fifo } from "../fifo.ts";
import type { PipelineRequest } from "./pipeline-request.ts";

/** In which order the answers of one connection leave. */
export interface ResponseOrder {
  /** Takes note of a request, in the order they were sent. */
  expect(request: PipelineRequest): void;
  /** Sends an answer, and those that waited for it. False when the channel then asks to wait for `onDrain`. */
  release(request: PipelineRequest): boolean;
  /** Bytes of answers that wait for an earlier one. */
  readonly heldBytes: number;
  /** Drops the answers that wait. */
  drop(): void;
}

function send(channel: ByteChannel, request: PipelineRequest): boolean {
  return request.answer === null || channel.write(request.answer, request.onDone);
}

/** Each answer leaves when it is given: `kafka.unordered`. */
export class UnorderedResponses implements ResponseOrder {
  readonly heldBytes = 0;
  private readonly channel: ByteChannel;

  constructor(channel: ByteChannel) {
    this.channel = channel;
  }

  expect(): void {}

  release(request: PipelineRequest): boolean {
    return send(this.channel, request);
  }

  drop(): void {}
}

/** Answers leave in the order of their requests, as Kafka's clients on TCP rely on. */
export class OrderedResponses implements ResponseOrder {
  heldBytes = 0;
  private readonly channel: ByteChannel;
  private readonly expected = new Fifo<PipelineRequest>();

  constructor(channel: ByteChannel) {
    this.channel = channel;
  }

  expect(request: PipelineRequest): void {
    this.expected.push(request);
  }

  release(request: PipelineRequest): boolean {
    if (this.expected.peek() !== request) {
      this.heldBytes += request.answerBytes;
      return true;
    }
    this.expected.shift();
    let hasRoom = send(this.channel, request);
    for (let next = this.expected.peek(); next?.isAnswered; next = this.expected.peek()) {
      this.expected.shift();
      this.heldBytes -= next.answerBytes;
      hasRoom = send(this.channel, next) && hasRoom;
    }
    return hasRoom;
  }

  drop(): void {
    for (let next = this.expected.shift(); next !== undefined; next = this.expected.shift()) {
      if (next.isAnswered) next.onDone?.(false);
    }
    this.heldBytes = 0;
  }
}

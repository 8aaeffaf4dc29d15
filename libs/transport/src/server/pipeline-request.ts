import type { RequestHeader } from "@ottla/protocol";
import type { WriteDone } from "../byte-channel.ts";
import type { InboundRequest, ServerConnection } from "./contract.ts";

/** Hears what has become of a request. */
export interface AnswerSink {
  answered(request: PipelineRequest): void;
  /** Called once at most. */
  frameReleased(request: PipelineRequest): void;
}

const NOT_DECODED: RequestHeader = { requestApiKey: -1, requestApiVersion: -1, correlationId: -1, clientId: null };

/** A request on its way through the pipeline, with its answer once there is one. */
export class PipelineRequest implements InboundRequest {
  readonly connection: ServerConnection;
  readonly frame: Uint8Array;
  readonly receivedAtMs: number;
  header: RequestHeader = NOT_DECODED;
  bodyOffset = 0;
  isAnswered = false;
  private isFrameReleased = false;
  /** The answer; null for none (acks=0). */
  answer: readonly Uint8Array[] | null = null;
  onDone: WriteDone | undefined;
  private readonly sink: AnswerSink;

  constructor(connection: ServerConnection, sink: AnswerSink, frame: Uint8Array, receivedAtMs: number) {
    this.connection = connection;
    this.sink = sink;
    this.frame = frame;
    this.receivedAtMs = receivedAtMs;
  }

  get answerBytes(): number {
    let sizeBytes = 0;
    if (this.answer !== null) for (const chunk of this.answer) sizeBytes += chunk.length;
    return sizeBytes;
  }

  respond(chunks: readonly Uint8Array[], onDone?: WriteDone): void {
    this.answer = chunks;
    this.onDone = onDone;
    this.settle();
  }

  respondNothing(): void {
    this.settle();
  }

  releaseFrame(): void {
    if (this.isFrameReleased) return;
    this.isFrameReleased = true;
    this.sink.frameReleased(this);
  }

  private settle(): void {
    if (this.isAnswered) throw new Error(`request ${this.header.correlationId} was answered twice`);
    this.isAnswered = true;
    this.sink.answered(this);
  }
}

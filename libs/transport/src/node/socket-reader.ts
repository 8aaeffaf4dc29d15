import type { OnReadOpts } from "node:net";
import type { ByteSink } from "../byte-channel.ts";

/** Room for what comes while no frame waits for its rest. */
const SCRATCH_BYTES = 64 * 1024;

/** Less than this is copied out of it. More is a large frame's beginning as a rule, which has to be copied once anyway. */
const COPIED_BYTES_MAX = 16 * 1024;

/**
 * Reads a socket into memory of ours. Node.js reads into a new block of 64 KiB each time, which is copied when a frame
 * spans several of them, and which the garbage collector, made to hurry by so much memory outside its heap, has to find.
 * Here the rest of a frame that has begun is read straight to its place, in as few reads as the socket has it ready; all
 * else into one block that is used again and again.
 *
 * Measured with `consume`: a fifth less CPU time of the client for each record.
 */
export class SocketReader {
  private scratch = new Uint8Array(SCRATCH_BYTES);
  /** Where the next read goes: into {@link scratch}, or to {@link sink}'s place. */
  private target: Uint8Array = this.scratch;
  private sink: ByteSink | undefined;
  private onChunk: (chunk: Uint8Array) => unknown = () => {};

  /** What `net.connect` wants to know of it. */
  readonly onread: OnReadOpts = {
    buffer: () => this.nextTarget(),
    callback: (bytesRead) => {
      this.take(bytesRead);
      return true;
    },
  };

  /** Where to deliver ({@link ByteChannelHandlers.onData}); nothing may have been read before. */
  start(onChunk: (chunk: Uint8Array) => unknown, sink: ByteSink | undefined): void {
    this.onChunk = onChunk;
    this.sink = sink;
  }

  private nextTarget(): Uint8Array {
    this.target = this.sink?.room() ?? this.scratch;
    return this.target;
  }

  private take(bytesRead: number): void {
    if (this.target !== this.scratch) this.sink!.filled(bytesRead);
    else if (bytesRead <= COPIED_BYTES_MAX) this.onChunk(this.scratch.slice(0, bytesRead));
    else if (this.onChunk(this.scratch.subarray(0, bytesRead)) !== true) this.scratch = new Uint8Array(SCRATCH_BYTES);
  }
}

import { CODECS } from "#codecs";
import type { CompressionCodec, CompressionType } from "./codec.ts";

/** The codec with this id in a batch's attributes, or undefined if there is none. */
export function codecById(id: number): CompressionCodec | undefined {
  return CODECS[id];
}

/** The codec with this `compression.type` name, or undefined if there is none. */
export function codecByName(name: CompressionType): CompressionCodec;
export function codecByName(name: string): CompressionCodec | undefined;
export function codecByName(name: string): CompressionCodec | undefined {
  return CODECS.find((codec) => codec.name === name);
}

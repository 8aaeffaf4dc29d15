import { type CompressionCodec, outputTooLarge } from "./codec.ts";

/** Codec 0: the bytes as they are, not copied. */
export const noneCodec: CompressionCodec = {
  id: 0,
  name: "none",
  compress: (input) => input,
  decompress(input, maxOutputBytes) {
    if (input.length > maxOutputBytes) throw outputTooLarge("none", maxOutputBytes);
    return input;
  },
};

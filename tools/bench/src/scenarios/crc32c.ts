import { crc32c } from "@ottla/protocol";
import { crc32cPortable } from "@ottla/protocol/internal";
import { repeat } from "../harness/repeat.ts";
import type { Row, Scenario } from "../harness/scenario.ts";
import { kafkajsCrc32c } from "../rivals/kafkajs.ts";
import { platformaticCrc32c } from "../rivals/platformatic.ts";

const SIZES = [32, 100, 300, 512, 1024, 16 * 1024, 1024 * 1024];
const MEGABYTE = 1e6;

function row(sizeBytes: number): Row {
  const bytes = Buffer.alloc(sizeBytes, "The quick brown fox jumps over the lazy dog. ");
  // Small inputs come as a part of something larger, many times a call: the clock is coarse.
  const times = Math.max(1, Math.floor(4096 / sizeBytes));
  const many = (checksum: (bytes: Buffer) => number) => () => {
    let sum = 0;
    for (let index = 0; index < times; index++) sum ^= checksum(bytes);
    return sum;
  };
  const amount = (sizeBytes * times) / MEGABYTE;
  return {
    name: `${sizeBytes} B`,
    unit: "MB/s",
    baseline: "@platformatic/kafka",
    contestants: [
      repeat("ottla", amount, many(crc32c)),
      repeat(
        "ottla, portable",
        amount,
        many((input) => crc32cPortable(input, 0, input.length)),
      ),
      repeat("@platformatic/kafka", amount, many(platformaticCrc32c)),
      repeat("kafkajs", amount, many(kafkajsCrc32c)),
    ],
  };
}

const scenario: Scenario = {
  name: "crc32c",
  description: "the checksum of record batches, by input size",
  quietSeconds: { quick: 9, full: 18 },
  inQuick: false,
  inFull: false,
  *rows() {
    for (const sizeBytes of SIZES) yield row(sizeBytes);
  },
};

export default scenario;

import { OutputTooLargeError } from "../native/output-too-large.ts";

/**
 * DEFLATE (RFC 1951), decoded bit by bit after Mark Adler's "puff": slow and small, for the rare stream that the
 * platform's decoder refuses.
 */
const MAX_CODE_BITS = 15;
const END_OF_BLOCK = 256;
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const LENGTH_EXTRA_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
];
const DISTANCE_EXTRA_BITS = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A canonical Huffman code: how many codes there are of each length, and the symbols in order of their codes. */
interface HuffmanCode {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

interface BlockCodes {
  readonly literals: HuffmanCode;
  readonly distances: HuffmanCode;
}

/** What {@link inflate} found. */
export interface Inflated {
  readonly output: Uint8Array;
  /** Where the stream ends in the input. */
  readonly end: number;
}

/**
 * Decompresses the DEFLATE stream that starts at `position`.
 *
 * @throws OutputTooLargeError if it holds more than `maxOutputBytes`
 * @throws RangeError if it is not a whole and sound stream
 */
export function inflate(input: Uint8Array, position: number, maxOutputBytes: number): Inflated {
  return new Inflater(input, position, maxOutputBytes).run();
}

class Inflater {
  private readonly input: Uint8Array;
  private readonly maxOutputBytes: number;
  private position: number;
  private bitBuffer = 0;
  private bitCount = 0;
  private output: Uint8Array;
  private length = 0;

  constructor(input: Uint8Array, position: number, maxOutputBytes: number) {
    this.input = input;
    this.position = position;
    this.maxOutputBytes = maxOutputBytes;
    this.output = new Uint8Array(Math.min(maxOutputBytes, 4 * (input.length - position)));
  }

  run(): Inflated {
    let last = false;
    while (!last) {
      last = this.bits(1) === 1;
      const type = this.bits(2);
      if (type === 0) this.storedBlock();
      else if (type === 1) this.compressedBlock(FIXED_CODES);
      else if (type === 2) this.compressedBlock(this.dynamicCodes());
      else throw new RangeError("inflate: a block of a reserved type");
    }
    return { output: this.output.subarray(0, this.length), end: this.position };
  }

  private bits(count: number): number {
    while (this.bitCount < count) {
      const byte = this.input[this.position++];
      if (byte === undefined) throw new RangeError("inflate: the input is cut short");
      this.bitBuffer |= byte << this.bitCount;
      this.bitCount += 8;
    }
    const value = this.bitBuffer & ((1 << count) - 1);
    this.bitBuffer >>>= count;
    this.bitCount -= count;
    return value;
  }

  private symbol(code: HuffmanCode): number {
    let value = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      value |= this.bits(1);
      const count = code.counts[length]!;
      if (value - count < first) return code.symbols[index + value - first]!;
      index += count;
      first = (first + count) << 1;
      value <<= 1;
    }
    throw new RangeError("inflate: a code that does not exist");
  }

  private storedBlock(): void {
    this.bitBuffer = 0;
    this.bitCount = 0;
    const length = this.bits(16);
    if (this.bits(16) !== (~length & 0xffff)) throw new RangeError("inflate: a stored length is wrong");
    const end = this.position + length;
    if (end > this.input.length) throw new RangeError("inflate: the input is cut short");
    this.reserve(length);
    this.output.set(this.input.subarray(this.position, end), this.length);
    this.length += length;
    this.position = end;
  }

  private compressedBlock(codes: BlockCodes): void {
    for (;;) {
      const symbol = this.symbol(codes.literals);
      if (symbol === END_OF_BLOCK) return;
      if (symbol < END_OF_BLOCK) {
        this.reserve(1);
        this.output[this.length++] = symbol;
      } else this.copy(symbol - END_OF_BLOCK - 1, codes.distances);
    }
  }

  private copy(lengthSymbol: number, distances: HuffmanCode): void {
    const length = this.valueOf(lengthSymbol, LENGTH_BASE, LENGTH_EXTRA_BITS);
    const distance = this.valueOf(this.symbol(distances), DISTANCE_BASE, DISTANCE_EXTRA_BITS);
    if (distance > this.length) throw new RangeError("inflate: a copy lies before the data");
    this.reserve(length);
    for (let end = this.length + length; this.length < end; this.length++) {
      this.output[this.length] = this.output[this.length - distance]!;
    }
  }

  private valueOf(symbol: number, bases: readonly number[], extraBits: readonly number[]): number {
    const base = bases[symbol];
    if (base === undefined) throw new RangeError("inflate: a reserved symbol");
    return base + this.bits(extraBits[symbol]!);
  }

  private dynamicCodes(): BlockCodes {
    const literalCount = this.bits(5) + 257;
    const distanceCount = this.bits(5) + 1;
    const codeLengthCount = this.bits(4) + 4;
    const codeLengths = new Uint8Array(19);
    for (let index = 0; index < codeLengthCount; index++) codeLengths[CODE_LENGTH_ORDER[index]!] = this.bits(3);
    const lengths = this.codeLengths(huffmanCode(codeLengths), literalCount + distanceCount);
    return {
      literals: huffmanCode(lengths.subarray(0, literalCount)),
      distances: huffmanCode(lengths.subarray(literalCount)),
    };
  }

  private codeLengths(code: HuffmanCode, count: number): Uint8Array {
    const lengths = new Uint8Array(count);
    let index = 0;
    while (index < count) {
      const symbol = this.symbol(code);
      if (symbol < 16) {
        lengths[index++] = symbol;
        continue;
      }
      if (symbol === 16 && index === 0) throw new RangeError("inflate: nothing to repeat");
      const repeated = symbol === 16 ? lengths[index - 1]! : 0;
      const times = symbol === 16 ? 3 + this.bits(2) : symbol === 17 ? 3 + this.bits(3) : 11 + this.bits(7);
      if (index + times > count) throw new RangeError("inflate: too many code lengths");
      lengths.fill(repeated, index, index + times);
      index += times;
    }
    return lengths;
  }

  private reserve(additionalBytes: number): void {
    const needed = this.length + additionalBytes;
    if (needed > this.maxOutputBytes) throw new OutputTooLargeError(this.maxOutputBytes);
    if (needed <= this.output.length) return;
    const grown = new Uint8Array(Math.min(this.maxOutputBytes, Math.max(needed, this.output.length * 2)));
    grown.set(this.output.subarray(0, this.length));
    this.output = grown;
  }
}

/** The canonical code with these lengths. A code that claims more room than there is would decode ambiguously. */
function huffmanCode(lengths: Uint8Array): HuffmanCode {
  const counts = new Uint16Array(MAX_CODE_BITS + 1);
  for (const length of lengths) counts[length]!++;
  counts[0] = 0;
  const offsets = new Uint16Array(MAX_CODE_BITS + 2);
  let free = 1;
  for (let length = 1; length <= MAX_CODE_BITS; length++) {
    free = free * 2 - counts[length]!;
    if (free < 0) throw new RangeError("inflate: an over-subscribed code");
    offsets[length + 1] = offsets[length]! + counts[length]!;
  }
  const symbols = new Uint16Array(lengths.length);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol]!;
    if (length !== 0) symbols[offsets[length]!++] = symbol;
  }
  return { counts, symbols };
}

const FIXED_CODES: BlockCodes = /*#__PURE__*/ fixedCodes();

function fixedCodes(): BlockCodes {
  const literals = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288);
  return { literals: huffmanCode(literals), distances: huffmanCode(new Uint8Array(30).fill(5)) };
}

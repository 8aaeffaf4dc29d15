/** How bytes are shown. */
export type ViewName = "auto" | "text" | "json" | "hex" | "cbor" | "msgpack";

export const VIEWS: readonly { readonly name: ViewName; readonly label: string }[] = [
  { name: "auto", label: "Automatic" },
  { name: "text", label: "Text" },
  { name: "json", label: "JSON" },
  { name: "hex", label: "Hex" },
  { name: "cbor", label: "CBOR" },
  { name: "msgpack", label: "MessagePack" },
];

/** What is shown, and as what it was read. */
export interface Shown {
  readonly text: string;
  readonly as: "text" | "json" | "hex" | "cbor" | "msgpack" | "null" | "empty";
  /** Why it could not be read as asked for; it is shown as hex then. */
  readonly problem?: string;
}

const strict = new TextDecoder("utf-8", { fatal: true });
const lenient = new TextDecoder();

/** Control characters that text does not have. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this looks for
const BINARY = /[\u0000-\u0008\u000e-\u001f]/;

/** Hex beyond this is cut off: nobody reads it, and the page would slow down. */
const HEX_BYTES_MAX = 4_096;

type Decode = (bytes: Uint8Array) => unknown;
const decoders: Partial<Record<"cbor" | "msgpack", Decode>> = {};

/** Fetches what a view needs. CBOR and MessagePack come when they are first asked for. */
export async function loadView(view: ViewName): Promise<void> {
  if (view === "cbor") decoders.cbor ??= await cborDecoder();
  else if (view === "msgpack") decoders.msgpack ??= (await import("@msgpack/msgpack")).decode;
}

async function cborDecoder(): Promise<Decode> {
  const { decode } = await import("cborg");
  return (bytes) => decode(bytes, { allowBigInt: true, allowUndefined: true });
}

/** Bytes as a person can read them. Call {@link loadView} before. */
export function show(bytes: Uint8Array | null, view: ViewName, isPretty: boolean): Shown {
  if (bytes === null) return { text: "null", as: "null" };
  if (bytes.length === 0) return { text: "", as: "empty" };
  try {
    if (view === "text") return { text: lenient.decode(bytes), as: "text" };
    if (view === "hex") return { text: hex(bytes, isPretty), as: "hex" };
    if (view === "json") return { text: stringify(JSON.parse(strict.decode(bytes)), isPretty), as: "json" };
    if (view !== "auto") return { text: stringify(decoders[view]!(bytes), isPretty), as: view };
    return automatic(bytes, isPretty);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { text: hex(bytes, isPretty), as: "hex", problem };
  }
}

function automatic(bytes: Uint8Array, isPretty: boolean): Shown {
  let text: string;
  try {
    text = strict.decode(bytes);
  } catch {
    return { text: hex(bytes, isPretty), as: "hex" };
  }
  if (BINARY.test(text)) return { text: hex(bytes, isPretty), as: "hex" };
  if (!/^\s*[[{]/.test(text)) return { text, as: "text" };
  try {
    return { text: stringify(JSON.parse(text), isPretty), as: "json" };
  } catch {
    return { text, as: "text" };
  }
}

/** What JSON has no form for is told in words. */
function stringify(value: unknown, isPretty: boolean): string {
  const replacer = (_: string, each: unknown) => {
    if (typeof each === "bigint") return each.toString();
    if (each instanceof Uint8Array) return `0x${hex(each, false)}`;
    return each instanceof Map ? Object.fromEntries(each) : each;
  };
  return JSON.stringify(value, replacer, isPretty ? 2 : undefined) ?? String(value);
}

/** `00000010  6f 74 74 6c 61  ottla` in lines of sixteen, or the digits alone. */
function hex(bytes: Uint8Array, isPretty: boolean): string {
  const shown = bytes.subarray(0, HEX_BYTES_MAX);
  const digits = Array.from(shown, (byte) => byte.toString(16).padStart(2, "0"));
  if (!isPretty) return digits.join("");
  const lines: string[] = [];
  for (let at = 0; at < shown.length; at += 16) {
    const characters = Array.from(shown.subarray(at, at + 16), (byte) =>
      byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".",
    );
    lines.push(
      `${at.toString(16).padStart(8, "0")}  ${digits
        .slice(at, at + 16)
        .join(" ")
        .padEnd(47)}  ${characters.join("")}`,
    );
  }
  if (bytes.length > HEX_BYTES_MAX) lines.push(`… and ${bytes.length - HEX_BYTES_MAX} bytes more`);
  return lines.join("\n");
}

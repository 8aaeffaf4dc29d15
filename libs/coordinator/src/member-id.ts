import type { Random } from "@ottla/runtime";

const UUID_BYTES = 16;

/** A member id as Kafka makes them: readable by its first part, unique by the UUID after it. */
export function newMemberId(prefix: string, random: Random): string {
  return `${prefix}-${randomUuid(random)}`;
}

/** A version 4 UUID in the form of RFC 9562. */
function randomUuid(random: Random): string {
  const bytes = random.fill(new Uint8Array(UUID_BYTES));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

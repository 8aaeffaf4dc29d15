import { type ClientQuotaImage, QuotaEntityType, QuotaKey } from "@ottla/metadata";
import type { QuotaLimit } from "./quota-limits.ts";

/** An address that is held to a quota. */
export interface IpHolder {
  readonly ip: string;
}

/** `connection_creation_rate` of addresses (KIP-612): each its own, or what is set for all that have none. */
export class IpLimits {
  readonly #byIp = new Map<string, number>();
  #otherwise: number | null = null;

  constructor(quotas: Iterable<ClientQuotaImage>) {
    for (const { entity, values } of quotas) {
      const ip = entity.get(QuotaEntityType.IP);
      const value = values.get(QuotaKey.CONNECTION_CREATION_RATE);
      if (ip === undefined || value === undefined) continue;
      if (ip === null) this.#otherwise = value;
      else this.#byIp.set(canonicalIp(ip), value);
    }
  }

  /** Null for none. */
  limitOf(ip: string): QuotaLimit<IpHolder> | null {
    if (this.#otherwise === null && this.#byIp.size === 0) return null;
    const value = this.#byIp.get(canonicalIp(ip)) ?? this.#otherwise;
    return value === null ? null : { value, holder: { ip } };
  }
}

/** IPv6 addresses have many spellings; an IPv4 address may stand in one. */
function canonicalIp(text: string): string {
  const ip = text.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!ip.includes(":")) return ip;
  return URL.canParse(`http://[${ip}]`) ? new URL(`http://[${ip}]`).hostname.slice(1, -1) : ip;
}

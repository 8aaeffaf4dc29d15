import { type ClientQuotaImage, QuotaEntityType } from "@ottla/metadata";

/** Whom a client is held to a quota with: all that share it count together. Empty where that does not matter. */
export interface ClientHolder {
  readonly user: string;
  readonly clientId: string;
}

/** A quota that counts for somebody. */
export interface QuotaLimit<Holder> {
  readonly value: number;
  readonly holder: Holder;
}

/** In the order in which they count: which part of the entity is named, which is the default, which is not there. */
const PRECEDENCE: readonly (readonly [user: Part, clientId: Part])[] = [
  ["name", "name"],
  ["name", "default"],
  ["name", "none"],
  ["default", "name"],
  ["default", "default"],
  ["default", "none"],
  ["none", "name"],
  ["none", "default"],
];

type Part = "name" | "default" | "none";

/** The quotas of one key of users and client ids. */
export class QuotaLimits {
  readonly #values = new Map<string, number>();

  constructor(quotas: Iterable<ClientQuotaImage>, key: string) {
    for (const { entity, values } of quotas) {
      const value = values.get(key);
      if (value === undefined || entity.has(QuotaEntityType.IP)) continue;
      const [user, clientId] = [entity.get(QuotaEntityType.USER), entity.get(QuotaEntityType.CLIENT_ID)];
      this.#values.set(keyOf(user, clientId), value);
    }
  }

  get areSet(): boolean {
    return this.#values.size > 0;
  }

  /** The one that counts, by Kafka's precedence; null for none. */
  limitOf(user: string, clientId: string): QuotaLimit<ClientHolder> | null {
    if (!this.areSet) return null;
    for (const [ofUser, ofClientId] of PRECEDENCE) {
      const value = this.#values.get(keyOf(named(ofUser, user), named(ofClientId, clientId)));
      if (value === undefined) continue;
      const holder = { user: ofUser === "none" ? "" : user, clientId: ofClientId === "none" ? "" : clientId };
      return { value, holder };
    }
    return null;
  }
}

function named(part: Part, name: string): string | null | undefined {
  if (part === "none") return undefined;
  return part === "name" ? name : null;
}

/** Names may have any characters; neither an absent part nor the default is a text. */
function keyOf(user: string | null | undefined, clientId: string | null | undefined): string {
  return JSON.stringify([user === undefined ? 0 : user, clientId === undefined ? 0 : clientId]);
}

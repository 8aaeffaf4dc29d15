import type { ConfigImage } from "@ottla/metadata";
import { type BrokerConfig, ConfigSource, type ConfigSynonym, normalized } from "./broker-config.ts";
import type { ConfigDefinition, ConfigValue } from "./config-definition.ts";

/** How a broker-level value becomes a resource's default: its key and the unit it is in. */
export interface BrokerSynonym {
  readonly brokerKey: string;
  /** One of the broker's units, in the resource key's unit. */
  readonly unitMs?: number;
}

type Table = Readonly<Record<string, ConfigDefinition<unknown>>>;

type NameIn<Keys extends Table> = keyof Keys & string;

/** Keys of one kind of resource, and the broker keys that give each its default, the strongest first. */
export interface InheritedKeys<Keys extends Table> {
  readonly table: Keys;
  readonly synonyms: Readonly<Partial<Record<NameIn<Keys>, readonly BrokerSynonym[]>>>;
  /** What values that were set for the resource itself are called. */
  readonly ownSource: ConfigSource;
}

/** A value that counts for a resource, in the unit of the key that it is set by. */
interface Candidate extends ConfigSynonym {
  /** Milliseconds in that unit; 1 where the units are the same. */
  readonly unitMs: number;
}

/** The configs of one resource, a topic or a group: its own over its broker's. */
export class InheritedConfig<Keys extends Table> {
  readonly table: Keys;
  readonly #keys: InheritedKeys<Keys>;
  readonly #own: ConfigImage;
  readonly #broker: BrokerConfig;

  constructor(keys: InheritedKeys<Keys>, own: ConfigImage, broker: BrokerConfig) {
    this.table = keys.table;
    this.#keys = keys;
    this.#own = own;
    this.#broker = broker;
  }

  get<Name extends NameIn<Keys>>(name: Name): ConfigValue<Keys[Name]> | null {
    const definition: ConfigDefinition<unknown> = this.table[name]!;
    const text = this.text(name);
    return (text === null ? definition.defaultValue : (definition.parse(text) ?? null)) as ConfigValue<
      Keys[Name]
    > | null;
  }

  require<Name extends NameIn<Keys>>(name: Name): ConfigValue<Keys[Name]> {
    const value = this.get(name);
    if (value === null) throw new Error(`${name} has no value`);
    return value;
  }

  /** The value that counts, as text in the key's own unit; null where there is none. */
  text(name: NameIn<Keys>): string | null {
    const strongest = this.#candidates(name)[0];
    return strongest?.value == null ? null : inMs(strongest.value, strongest.unitMs);
  }

  /** Where the value that counts comes from. */
  sourceOf(name: NameIn<Keys>): ConfigSource {
    return this.#candidates(name)[0]?.source ?? ConfigSource.DEFAULT_CONFIG;
  }

  /**
   * All that gives the key a value, the strongest first, each under its own name and in its own unit. As in Kafka, of the
   * broker's values only those from the first on that stands under the key's closest relative.
   */
  synonyms(name: NameIn<Keys>): ConfigSynonym[] {
    const found = this.#candidates(name).map(({ unitMs: _, ...synonym }) => synonym);
    const own = found.filter(({ source }) => source === this.#keys.ownSource);
    const [closest] = this.#keys.synonyms[name] ?? [];
    return closest === undefined ? own : [...own, ...fromName(closest.brokerKey, found.slice(own.length))];
  }

  #candidates(name: NameIn<Keys>): Candidate[] {
    const own = this.#own.get(name);
    const definition = this.table[name]!;
    const found: Candidate[] =
      own === undefined ? [] : [{ name, value: normalized(definition, own), source: this.#keys.ownSource, unitMs: 1 }];
    const fromBroker = this.#keys.synonyms[name]?.flatMap((synonym) => this.#brokerCandidates(synonym));
    return [...found, ...(fromBroker ?? defaultOf(name, definition))].sort(byStrength(this.#keys.ownSource));
  }

  #brokerCandidates({ brokerKey, unitMs = 1 }: BrokerSynonym): Candidate[] {
    return this.#broker.synonyms(brokerKey).map((synonym) => ({ ...synonym, unitMs }));
  }
}

/** Synonyms from the first one on that stands under `name`. */
export function fromName(name: string, synonyms: readonly ConfigSynonym[]): readonly ConfigSynonym[] {
  const at = synonyms.findIndex((synonym) => synonym.name === name);
  return at < 0 ? [] : synonyms.slice(at);
}

/** The resource's own value is the strongest, any that was set stronger than a default; among equals the order counts. */
function byStrength(ownSource: ConfigSource) {
  const rank = ({ source }: Candidate) => (source === ownSource ? 0 : source);
  return (a: Candidate, b: Candidate) => rank(a) - rank(b);
}

/** Negative values mean "no limit" in every unit. */
function inMs(value: string, unitMs: number): string {
  const number = Number(value);
  return unitMs === 1 || number < 0 ? value : String(number * unitMs);
}

function defaultOf(name: string, definition: ConfigDefinition<unknown>): Candidate[] {
  if (definition.defaultValue === null) return [];
  const value = definition.format(definition.defaultValue);
  return [{ name, value, source: ConfigSource.DEFAULT_CONFIG, unitMs: 1 }];
}

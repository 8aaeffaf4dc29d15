import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { UnsupportedVersionError } from "../errors/protocol-error.ts";
import { type Codec, locateError } from "./codec.ts";
import { compileStruct } from "./compile.ts";
import type { Fields, StructIn, StructOut, StructSpec } from "./field.ts";
import { formatVersions, includesVersion, parseVersions, type VersionRange } from "./versions.ts";

/** What a message says about itself besides its fields. */
export interface MessageOptions<Out, In> {
  /** Kafka's name of the message. */
  readonly name: string;
  /** Versions that exist, such as `"0-13"`. */
  readonly validVersions: string;
  /** Versions with compact lengths and tagged fields (KIP-482), such as `"9+"`; `"none"` by default. */
  readonly flexibleVersions?: string;
  /** A codec written by hand in place of the compiled one, for messages on the hot path. */
  readonly codec?: ((version: number) => Codec<Out, In>) | undefined;
}

/** A message with all its versions: decodes to `Out`, encodes from `In`. */
export class Message<Out, In> {
  readonly name: string;
  readonly validVersions: VersionRange;
  readonly flexibleVersions: VersionRange;
  /** The declaration of the fields. */
  readonly fields: StructSpec;
  private readonly codecs: Codec<Out, In>[] = [];
  private readonly makeCodec: (version: number) => Codec<Out, In>;

  constructor(options: MessageOptions<Out, In>, fields: StructSpec) {
    this.name = options.name;
    this.validVersions = parseVersions(options.validVersions);
    this.flexibleVersions = parseVersions(options.flexibleVersions ?? "none");
    this.fields = fields;
    this.makeCodec = options.codec ?? ((version) => this.compile(version));
  }

  /** Whether `version` has compact lengths and tagged fields. */
  isFlexible(version: number): boolean {
    return includesVersion(this.flexibleVersions, version);
  }

  /**
   * Reads the message from where `reader` stands; bytes after it are left alone.
   * @throws MalformedFrameError when the bytes are no such message
   * @throws UnsupportedVersionError when `version` does not exist
   */
  decode(reader: ByteReader, version: number): Out {
    try {
      return this.codec(version).read(reader);
    } catch (error) {
      throw locateError(error, this.label(version));
    }
  }

  /**
   * Appends the message to `writer`. Members that are left out get their defaults.
   * @throws UnsupportedVersionError when `version` does not exist, or cannot carry a member that is set
   * @throws InvalidValueError when a member is of the wrong type, out of range, or wrongly null
   */
  encode(writer: ByteWriter, value: In, version: number): void {
    try {
      this.codec(version).write(writer, value);
    } catch (error) {
      throw locateError(error, this.label(version));
    }
  }

  /** The codec of one version, made when it is first asked for. */
  codec(version: number): Codec<Out, In> {
    const known = this.codecs[version];
    if (known !== undefined) return known;
    if (!includesVersion(this.validVersions, version) || !Number.isInteger(version)) {
      const valid = formatVersions(this.validVersions);
      throw new UnsupportedVersionError(`${this.name} has no version ${version}, only ${valid}`);
    }
    const made = this.makeCodec(version);
    this.codecs[version] = made;
    return made;
  }

  /** The codec that follows from the declaration alone. */
  compile(version: number): Codec<Out, In> {
    return compileStruct(this.fields, version, this.isFlexible(version)) as Codec as Codec<Out, In>;
  }

  private label(version: number): string {
    return `${this.name} v${version}`;
  }
}

/** The message that a declaration of these fields makes. */
export type MessageOf<F extends Fields> = Message<StructOut<F>, StructIn<F>>;

/** Any message, when its types do not matter. */
export type AnyMessage = Message<unknown, never>;

/** What decoding `M` gives: every member is there in every version, and nothing in it is to be changed. */
export type Infer<M> = M extends Message<infer Out, never> ? Out : never;

/** What encoding `M` takes: members that have a default, a tag or a range of versions may be left out. */
export type Encodable<M> = M extends Message<unknown, infer In> ? In : never;

/** Declares a message: its name and versions, then its fields in the order of the wire. */
/*#__NO_SIDE_EFFECTS__*/
export function message<const F extends Fields>(
  options: MessageOptions<StructOut<F>, StructIn<F>>,
  fields: F,
): MessageOf<F> {
  return new Message(options, fields);
}

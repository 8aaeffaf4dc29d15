import type { Codec } from "../../schema/codec.ts";
import type { FetchRequest, FetchRequestInput, FetchResponse, FetchResponseInput } from "../fetch-fields.ts";
import type { MetadataResponse, MetadataResponseInput } from "../metadata-fields.ts";
import type { OffsetCommitRequest, OffsetCommitRequestInput } from "../offset-commit-fields.ts";
import type { ProduceRequest, ProduceRequestInput, ProduceResponse, ProduceResponseInput } from "../produce-fields.ts";

/** Makes the hand-written codec of one version; undefined where the one that follows from the declaration is used. */
type MakeCodec<Out, In> = ((version: number) => Codec<Out, In>) | undefined;

// A page has few partitions and few connections: codecs compiled from the declarations are fast enough there, and the
// hand-written ones would be a twentieth of what it downloads.

export const produceRequestCodec: MakeCodec<ProduceRequest, ProduceRequestInput> = undefined;
export const produceResponseCodec: MakeCodec<ProduceResponse, ProduceResponseInput> = undefined;
export const fetchRequestCodec: MakeCodec<FetchRequest, FetchRequestInput> = undefined;
export const fetchResponseCodec: MakeCodec<FetchResponse, FetchResponseInput> = undefined;
export const metadataResponseCodec: MakeCodec<MetadataResponse, MetadataResponseInput> = undefined;
export const offsetCommitRequestCodec: MakeCodec<OffsetCommitRequest, OffsetCommitRequestInput> = undefined;

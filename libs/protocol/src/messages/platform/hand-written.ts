import { FetchRequestCodec } from "../fetch-request-fast.ts";
import { FetchResponseCodec } from "../fetch-response-fast.ts";
import { MetadataResponseCodec } from "../metadata-response-fast.ts";
import { OffsetCommitRequestCodec } from "../offset-commit-fast.ts";
import { ProduceRequestCodec, ProduceResponseCodec } from "../produce-fast.ts";
import type * as compiled from "./compiled.ts";

// Brokers, and clients with thousands of partitions, spend their time on these messages.

export const produceRequestCodec: typeof compiled.produceRequestCodec = (version) => new ProduceRequestCodec(version);
export const produceResponseCodec: typeof compiled.produceResponseCodec = (version) =>
  new ProduceResponseCodec(version);
export const fetchRequestCodec: typeof compiled.fetchRequestCodec = (version) => new FetchRequestCodec(version);
export const fetchResponseCodec: typeof compiled.fetchResponseCodec = (version) => new FetchResponseCodec(version);
export const metadataResponseCodec: typeof compiled.metadataResponseCodec = (version) =>
  new MetadataResponseCodec(version);
export const offsetCommitRequestCodec: typeof compiled.offsetCommitRequestCodec = (version) =>
  new OffsetCommitRequestCodec(version);

import { allApis } from "../messages/all.ts";
import * as consumerProtocol from "../messages/consumer-protocol.ts";
import * as headers from "../messages/header.ts";
import { allMetadataRecords } from "../messages/records/all-metadata.ts";
import * as records from "../messages/records/index.ts";
import { type AnyMessage, Message } from "../schema/message.ts";

const exported: readonly unknown[] = [headers, consumerProtocol, records].flatMap((module) => Object.values(module));

/** Every message that is declared anywhere, so that a new declaration is tested without being listed. */
export const allDeclaredMessages: readonly AnyMessage[] = [
  ...allApis.flatMap((api) => [api.request, api.response]),
  ...exported.filter((value) => value instanceof Message),
  ...allMetadataRecords.map((record) => record.message),
];

/** Every version of every message, with a name for the test. */
export const allDeclaredVersions: readonly (readonly [name: string, message: AnyMessage, version: number])[] =
  allDeclaredMessages.flatMap((message) => {
    const { min, max } = message.validVersions;
    return Array.from(
      { length: max - min + 1 },
      (_, at) => [`${message.name} v${min + at}`, message, min + at] as const,
    );
  });

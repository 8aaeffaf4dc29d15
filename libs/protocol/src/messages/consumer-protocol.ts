import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { MalformedFrameError } from "../errors/protocol-error.ts";
import { array, bytes, int32, string } from "../schema/field.ts";
import { type Infer, type Message, message } from "../schema/message.ts";

/**
 * What a consumer says when it joins a classic group: the `metadata` of each protocol in JoinGroup. Owned partitions
 * from v1 (KIP-429), their generation from v2, rack from v3 (KIP-881).
 */
export const consumerProtocolSubscription = message(
  { name: "ConsumerProtocolSubscription", validVersions: "0-3" },
  {
    topics: array(string()),
    userData: bytes({ nullable: "0+", default: null }),
    ownedPartitions: array({ topic: string(), partitions: array(int32()) }, { versions: "1+", ignorable: true }),
    generationId: int32({ versions: "2+", ignorable: true, default: -1 }),
    rackId: string({ versions: "3+", nullable: "3+", ignorable: true, default: null }),
  },
);

/** What a member of a classic group is given: the `assignment` in SyncGroup. */
export const consumerProtocolAssignment = message(
  { name: "ConsumerProtocolAssignment", validVersions: "0-3" },
  {
    assignedPartitions: array({ topic: string(), partitions: array(int32()) }),
    userData: bytes({ nullable: "0+", default: null }),
  },
);

export interface ConsumerProtocolSubscription extends Infer<typeof consumerProtocolSubscription> {}
export interface ConsumerProtocolAssignment extends Infer<typeof consumerProtocolAssignment> {}

/** A message of the consumer protocol with its version in front, as it travels in JoinGroup and SyncGroup. */
export function encodeConsumerProtocol<In>(of: Message<unknown, In>, value: In, version: number): Uint8Array {
  const writer = new ByteWriter();
  writer.writeInt16(version);
  of.encode(writer, value, version);
  return writer.toUint8Array();
}

/**
 * Reads a message of the consumer protocol. A version newer than the newest one known here is read as that: later
 * versions only add fields at the end.
 *
 * @throws MalformedFrameError when the bytes are no such message
 */
export function decodeConsumerProtocol<Out>(of: Message<Out, never>, data: Uint8Array): Out {
  const reader = new ByteReader(data);
  const version = reader.readInt16();
  if (version < 0) throw new MalformedFrameError(`${of.name} has no version ${version}`);
  return of.decode(reader, Math.min(version, of.validVersions.max));
}

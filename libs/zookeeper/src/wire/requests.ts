import { ByteWriter } from "@ottla/protocol";
import { writeBuffer, writeText } from "../jute.ts";
import type { ZnodeOperation } from "../zookeeper.ts";

/** Numbers of ZooKeeper's operations. */
export const OpCode = {
  CREATE: 1,
  DELETE: 2,
  EXISTS: 3,
  GET_DATA: 4,
  SET_DATA: 5,
  SYNC: 9,
  PING: 11,
  GET_CHILDREN: 8,
  CHECK: 13,
  MULTI: 14,
  CLOSE_SESSION: -11,
  /** Stands in a multi-operation's result for one that failed, and for its end. */
  ERROR: -1,
} as const;

/** Request numbers that ZooKeeper has set aside. */
export const Xid = { WATCH_EVENT: -1, PING: -2 } as const;

export interface ConnectRequest {
  /** What the client has seen: a server that lags behind it refuses the session. */
  readonly lastZxid: bigint;
  readonly sessionTimeoutMs: number;
  /** 0 for a new session. */
  readonly sessionId: bigint;
  readonly password: Uint8Array;
}

const PROTOCOL_VERSION = 0;

export function encodeConnect({ lastZxid, sessionTimeoutMs, sessionId, password }: ConnectRequest): Uint8Array {
  const writer = new ByteWriter();
  writer.writeInt32(PROTOCOL_VERSION);
  writer.writeBigInt64(lastZxid);
  writer.writeInt32(sessionTimeoutMs);
  writer.writeBigInt64(sessionId);
  writeBuffer(writer, password);
  writer.writeBoolean(false); // no read-only server will do
  return writer.toUint8Array();
}

/** A request's header and, with `writeBody`, what follows it. */
export function encodeRequest(xid: number, opCode: number, writeBody?: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  writer.writeInt32(xid);
  writer.writeInt32(opCode);
  writeBody?.(writer);
  return writer.toUint8Array();
}

export function writePath(writer: ByteWriter, path: string): void {
  writeText(writer, path);
}

export function writePathAndWatch(writer: ByteWriter, path: string, watch: boolean): void {
  writeText(writer, path);
  writer.writeBoolean(watch);
}

const opCodes = {
  create: OpCode.CREATE,
  set: OpCode.SET_DATA,
  remove: OpCode.DELETE,
  check: OpCode.CHECK,
} as const;

export function opCodeOf(operation: ZnodeOperation): number {
  return opCodes[operation.type];
}

export function writeOperation(writer: ByteWriter, operation: ZnodeOperation): void {
  writeText(writer, operation.path);
  if ("data" in operation) writeBuffer(writer, operation.data);
  if (operation.type === "create") writeCreateOptions(writer, operation.ephemeral ?? false);
  else writer.writeInt32(operation.version);
}

const PERMISSIONS_ALL = 31;
const EPHEMERAL_FLAG = 1;

/** Anybody may do anything: what protects an ensemble is the network, or a chroot with ACLs set by its operator. */
function writeCreateOptions(writer: ByteWriter, ephemeral: boolean): void {
  writer.writeInt32(1);
  writer.writeInt32(PERMISSIONS_ALL);
  writeText(writer, "world");
  writeText(writer, "anyone");
  writer.writeInt32(ephemeral ? EPHEMERAL_FLAG : 0);
}

export function writeMulti(writer: ByteWriter, operations: readonly ZnodeOperation[]): void {
  for (const operation of operations) {
    writeMultiHeader(writer, opCodeOf(operation), false);
    writeOperation(writer, operation);
  }
  writeMultiHeader(writer, OpCode.ERROR, true);
}

function writeMultiHeader(writer: ByteWriter, type: number, done: boolean): void {
  writer.writeInt32(type);
  writer.writeBoolean(done);
  writer.writeInt32(-1);
}

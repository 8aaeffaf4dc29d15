import { ByteReader } from "@ottla/protocol";
import { ZOOKEEPER_ERRORS, ZooKeeperError } from "../errors.ts";
import { readBuffer, readText } from "../jute.ts";
import type { Znode, ZnodeStat } from "../zookeeper.ts";
import { OpCode } from "./requests.ts";

export interface ConnectResponse {
  /** What the server grants; 0 or less: the session is over. */
  readonly sessionTimeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Uint8Array;
}

export function decodeConnect(frame: Uint8Array): ConnectResponse {
  const reader = new ByteReader(frame);
  reader.readInt32();
  return { sessionTimeoutMs: reader.readInt32(), sessionId: reader.readBigInt64(), password: readBuffer(reader) };
}

export interface ReplyHeader {
  readonly xid: number;
  readonly zxid: bigint;
  /** 0, or an error's number. */
  readonly errno: number;
}

export function readReplyHeader(reader: ByteReader): ReplyHeader {
  return { xid: reader.readInt32(), zxid: reader.readBigInt64(), errno: reader.readInt32() };
}

export interface WatchEvent {
  readonly type: "created" | "deleted" | "dataChanged" | "childrenChanged" | "session";
  readonly path: string;
}

const eventTypes = ["created", "deleted", "dataChanged", "childrenChanged"] as const;

export function readWatchEvent(reader: ByteReader): WatchEvent {
  const type = reader.readInt32();
  reader.readInt32(); // the session's state
  return { type: eventTypes[type - 1] ?? "session", path: readText(reader) };
}

export function readZnode(reader: ByteReader): Znode {
  return { data: readBuffer(reader), stat: readStat(reader) };
}

const ZXID_AND_TIMES_BYTES = 24;

export function readStat(reader: ByteReader): ZnodeStat {
  const createdZxid = reader.readBigInt64();
  reader.skip(ZXID_AND_TIMES_BYTES); // zxid of the last change, times of creation and change
  const version = reader.readInt32();
  reader.skip(8); // versions of the children and of the ACL
  const ephemeralOwner = reader.readBigInt64();
  reader.skip(4); // size of the data
  const childrenCount = reader.readInt32();
  reader.readBigInt64(); // zxid of the last change of the children
  return { version, ephemeralOwner, childrenCount, createdZxid };
}

/**
 * Reads the results of a multi-operation, and throws the error of the one that failed. The ones before it carry no error
 * then, the ones behind it RUNTIME_INCONSISTENCY: they were not tried.
 */
export function readMulti(reader: ByteReader): void {
  for (let index = 0; ; index++) {
    const type = reader.readInt32();
    const isEnd = reader.readBoolean();
    reader.readInt32();
    if (isEnd) return;
    if (type === OpCode.ERROR) throwIfFailed(reader.readInt32(), index);
    else skipResult(reader, type);
  }
}

function throwIfFailed(errno: number, index: number): void {
  if (errno === 0 || errno === ZOOKEEPER_ERRORS.RUNTIME_INCONSISTENCY) return;
  throw ZooKeeperError.fromNumber(errno, `operation ${index} of a multi-operation`, index);
}

function skipResult(reader: ByteReader, type: number): void {
  if (type === OpCode.CREATE) readText(reader);
  else if (type === OpCode.SET_DATA) readStat(reader);
}

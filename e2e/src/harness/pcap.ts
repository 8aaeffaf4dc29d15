import type { CapturedFrame } from "./capture-proxy.ts";

/** The port that a dissector takes for Kafka's. */
const KAFKA_PORT = 9092;
const FIRST_CLIENT_PORT = 10_000;
const MAX_SEGMENT_BYTES = 32_768;
const LINK_TYPE_RAW_IP = 101;

/**
 * Kafka frames as a capture file (pcap) of IPv4 packets: one TCP connection for each of theirs, opened in order, so
 * that a dissector can follow it. It needs no right to capture on an interface, and holds just what was said.
 */
export function pcapOf(frames: Iterable<CapturedFrame>): Buffer {
  const packets: Buffer[] = [fileHeader()];
  const connections = new Map<number, { readonly clientPort: number; request: number; response: number }>();
  let index = 0;
  const packet = (
    { clientPort, request, response }: { clientPort: number; request: number; response: number },
    direction: CapturedFrame["direction"],
    flags: number,
    payload: Buffer = Buffer.alloc(0),
  ) => {
    const ports = direction === "request" ? [clientPort, KAFKA_PORT] : [KAFKA_PORT, clientPort];
    const numbers = direction === "request" ? [request, response] : [response, request];
    packets.push(capturedPacket(index++, tcpPacket(ports, numbers, flags, direction, payload)));
  };
  for (const { direction, connectionId, bytes } of frames) {
    let connection = connections.get(connectionId);
    if (connection === undefined) {
      connection = { clientPort: FIRST_CLIENT_PORT + connectionId, request: 0, response: 0 };
      connections.set(connectionId, connection);
      packet(connection, "request", SYN);
      connection.request = 1;
      packet(connection, "response", SYN | ACK);
      connection.response = 1;
      packet(connection, "request", ACK);
    }
    const size = Buffer.alloc(4);
    size.writeInt32BE(bytes.length);
    const framed = Buffer.concat([size, bytes]);
    for (let at = 0; at < framed.length; at += MAX_SEGMENT_BYTES) {
      const payload = framed.subarray(at, at + MAX_SEGMENT_BYTES);
      packet(connection, direction, ACK | PSH, payload);
      connection[direction] = (connection[direction] + payload.length) >>> 0;
    }
  }
  return Buffer.concat(packets);
}

const SYN = 0x02;
const PSH = 0x08;
const ACK = 0x10;

function fileHeader(): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32BE(0xa1b2c3d4, 0);
  header.writeUInt16BE(2, 4);
  header.writeUInt16BE(4, 6);
  header.writeUInt32BE(0x40000, 16); // longest packet
  header.writeUInt32BE(LINK_TYPE_RAW_IP, 20);
  return header;
}

/** A millisecond apart: what was said when does not matter here, only in which order. */
function capturedPacket(index: number, packet: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32BE(Math.floor(index / 1000), 0);
  header.writeUInt32BE((index % 1000) * 1000, 4);
  header.writeUInt32BE(packet.length, 8);
  header.writeUInt32BE(packet.length, 12);
  return Buffer.concat([header, packet]);
}

function tcpPacket(
  [sourcePort, targetPort]: readonly number[],
  [sequence, acknowledged]: readonly number[],
  flags: number,
  direction: CapturedFrame["direction"],
  payload: Buffer,
): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x45; // IPv4, 20 bytes of header
  header.writeUInt16BE(40 + payload.length, 2);
  header[8] = 64; // time to live
  header[9] = 6; // TCP
  header.set(direction === "request" ? [127, 0, 0, 1, 127, 0, 0, 2] : [127, 0, 0, 2, 127, 0, 0, 1], 12);
  header.writeUInt16BE(sourcePort!, 20);
  header.writeUInt16BE(targetPort!, 22);
  header.writeUInt32BE(sequence!, 24);
  header.writeUInt32BE(flags === SYN ? 0 : acknowledged!, 28);
  header[32] = 0x50; // 20 bytes of header
  header[33] = flags;
  header.writeUInt16BE(0xffff, 34);
  return Buffer.concat([header, payload]);
}

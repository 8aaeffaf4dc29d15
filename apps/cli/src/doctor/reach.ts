import { lookup } from "node:dns/promises";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

const TIMEOUT_MS = 4_000;

/** ApiVersions v0 of a client without a name: any broker since 0.10 answers it. */
const API_VERSIONS_REQUEST = Uint8Array.of(0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff);
const HTTP_REQUEST = "GET / HTTP/1.0\r\n\r\n";

/** What is found at a host and port. */
export type Reach =
  | { readonly kind: "kafka" }
  | { readonly kind: "unknown-host" | "refused" | "timeout" | "tls" | "http" | "silent" }
  | { readonly kind: "error"; readonly message: string };

/** Finds out what answers at an address: Kafka, something else, or nothing. */
export async function reach(host: string, port: number): Promise<Reach> {
  try {
    await lookup(host);
  } catch {
    return { kind: "unknown-host" };
  }
  const plain = await answerTo(connect({ host, port }), API_VERSIONS_REQUEST);
  if (plain instanceof Error) return failure(plain);
  if (plain !== null && plain.length >= 8 && plain.readUInt32BE(4) === 1) return { kind: "kafka" };
  if (plain !== null && plain[0] === 0x15) return { kind: "tls" };
  if (plain?.subarray(0, 5).toString() === "HTTP/") return { kind: "http" };
  if (await speaksTls(host, port)) return { kind: "tls" };
  const http = await answerTo(connect({ host, port }), HTTP_REQUEST);
  return http instanceof Buffer && http.subarray(0, 5).toString() === "HTTP/" ? { kind: "http" } : { kind: "silent" };
}

/** The first bytes that come back; null when there are none, the error when there is no connection. */
function answerTo(socket: Socket, request: Uint8Array | string): Promise<Buffer | Error | null> {
  return new Promise((resolve) => {
    const finish = (result: Buffer | Error | null) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    let isConnected = false;
    const timer = setTimeout(() => finish(isConnected ? null : timedOut()), TIMEOUT_MS);
    socket.once("connect", () => {
      isConnected = true;
      socket.write(request);
    });
    socket.once("data", finish);
    socket.once("error", (error) => finish(isConnected ? null : error));
    socket.once("close", () => finish(null));
  });
}

function timedOut(): Error {
  return Object.assign(new Error("timed out"), { code: "ETIMEDOUT" });
}

function speaksTls(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    // Whose certificate it is does not matter here: only that there is one.
    const socket = connectTls({ host, port, servername: host, rejectUnauthorized: false });
    const finish = (isTls: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isTls);
    };
    const timer = setTimeout(() => finish(false), TIMEOUT_MS);
    socket.once("secureConnect", () => finish(true));
    socket.once("error", (error) => finish(/alert|certificate/i.test(error.message)));
  });
}

function failure(error: Error): Reach {
  const code = "code" in error ? error.code : undefined;
  if (code === "ECONNREFUSED") return { kind: "refused" };
  if (code === "ETIMEDOUT" || code === "EHOSTUNREACH" || code === "ENETUNREACH") return { kind: "timeout" };
  return { kind: "error", message: error.message };
}

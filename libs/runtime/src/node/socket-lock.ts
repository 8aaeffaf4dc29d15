import { randomBytes } from "node:crypto";
import { promises as fs } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DiskError, type DiskLock } from "../disk.ts";
import { errnoOf } from "./node-errors.ts";

/*
 * An exclusive lock for Linux, where Node.js reaches neither flock nor fcntl locks.
 *
 * Each contender publishes a listening socket under a name of its own beside the lock's path, and only then looks at
 * the others' names. Of two contenders at least one therefore sees the other, and nobody takes the lock while another
 * live socket is in sight: that is the mutual exclusion. The kernel closes a killed holder's socket, so its name
 * refuses connections from then on. Names are never used twice, so removing a dead one races with nothing.
 */

const UNPUBLISHED_SUFFIX = ".new";
const RETRY_MS = 5;
/** A holder that is stopped (SIGSTOP) accepts in the kernel, but says nothing: after this long it counts as one. */
const ANSWER_TIMEOUT_MS = 250;

type Role = "waiting" | "held";

interface Contender {
  readonly name: string;
  readonly role: Role;
  readonly pid: string;
}

/** Takes the lock, or throws LOCKED when another process, or another holder in this one, has it. */
export async function lockBySocket(path: string): Promise<DiskLock> {
  const directory = await fs.open(dirname(path), "r");
  try {
    // Through the descriptor, socket paths stay below the 108 bytes that the kernel allows, wherever the directory is.
    const viaDescriptor = `/proc/self/fd/${directory.fd}`;
    return await contend(path, viaDescriptor);
  } catch (error) {
    if (!isSocketUnsupported(error)) throw error;
    return await lockByAbstractSocket(path);
  } finally {
    await directory.close();
  }
}

async function contend(path: string, directory: string): Promise<DiskLock> {
  const name = `${basename(path)}.${randomBytes(8).toString("hex")}`;
  let role: Role = "waiting";
  const server = await publish(directory, name, () => role);
  try {
    for (let rival = await findRival(directory, path, name); rival; rival = await findRival(directory, path, name)) {
      if (rival.role === "held" || rival.name < name) throw lockedBy(path, rival.pid);
      await sleep(RETRY_MS);
    }
  } catch (error) {
    await withdraw(server, dirname(path), name);
    throw error;
  }
  role = "held";
  return { release: () => withdraw(server, dirname(path), name) };
}

/** A name that can be seen always belongs to a socket that listens, or to a dead process. */
async function publish(directory: string, name: string, role: () => Role): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(`${role()} ${process.pid}`);
  });
  const unpublished = join(directory, name + UNPUBLISHED_SUFFIX);
  await listen(server, unpublished);
  await fs.rename(unpublished, join(directory, name));
  return server;
}

async function withdraw(server: Server, directory: string, name: string): Promise<void> {
  await fs.rm(join(directory, name), { force: true });
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** The first other contender that is alive. Names of dead ones are removed on the way. */
async function findRival(directory: string, path: string, ownName: string): Promise<Contender | null> {
  const prefix = `${basename(path)}.`;
  for (const name of (await fs.readdir(directory)).sort()) {
    if (!name.startsWith(prefix) || name === ownName || name.endsWith(UNPUBLISHED_SUFFIX)) continue;
    const answer = await ask(join(directory, name));
    if (answer !== null) return { name, ...answer };
    await fs.rm(join(directory, name), { force: true });
  }
  return null;
}

/** Nobody listens there any more, or it closed before it answered: a contender that withdraws. */
const GONE_ERRORS: readonly (string | undefined)[] = ["ECONNREFUSED", "ENOENT", "ECONNRESET"];

/** What the contender behind a socket says of itself; null when it is gone. One that says nothing counts as a holder. */
function ask(socketPath: string): Promise<{ role: Role; pid: string } | null> {
  return new Promise((resolve) => {
    let text = "";
    let isGone = true;
    const socket = connect(socketPath);
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => {
      isGone = false;
      socket.destroy();
    });
    socket.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", (error) => {
      isGone = GONE_ERRORS.includes(errnoOf(error));
    });
    socket.on("close", () => {
      const [role, pid] = text.split(" ");
      if (text === "" && isGone) resolve(null);
      else resolve({ role: role === "waiting" ? "waiting" : "held", pid: pid ?? "unknown" });
    });
  });
}

/** Where the file system has no sockets (some shared folders): a name that the kernel keeps outside of it. */
async function lockByAbstractSocket(path: string): Promise<DiskLock> {
  const { dev, ino } = await fs.stat(dirname(path));
  const server = createServer((socket) => socket.destroy());
  try {
    await listen(server, `\0ottla/${dev}/${ino}/${basename(path)}`);
  } catch (error) {
    if (errnoOf(error) === "EADDRINUSE") throw lockedBy(path, "unknown");
    throw error;
  }
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

function listen(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path: socketPath, exclusive: true }, () => {
      server.unref();
      resolve();
    });
  });
}

function isSocketUnsupported(error: unknown): boolean {
  return ["EOPNOTSUPP", "ENOTSUP", "EPERM", "EINVAL", "ENXIO"].includes(errnoOf(error) ?? "");
}

function lockedBy(path: string, pid: string): DiskError {
  return new DiskError("LOCKED", path, `${path} is locked by another holder (process ${pid})`);
}

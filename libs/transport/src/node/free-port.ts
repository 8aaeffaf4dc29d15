import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below what operating systems give to outgoing connections (from 32,768 on Linux, from 49,152 elsewhere): one of those
 * could sit on the port of a server that is just being restarted.
 */
const LOWEST = 10_000;
const HIGHEST = 32_767;
const ATTEMPTS = 100;

const given = new Set<number>();

/**
 * A port of this machine on which a server can listen now, and also again after a restart; another one at each call.
 * @throws Error when none is found
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port was found from ${LOWEST} to ${HIGHEST} in ${ATTEMPTS} attempts`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, "localhost"), "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}

import type { Socket } from "node:net";
import type { Timers } from "@ottla/runtime";

/** How long a closing connection may take to send what is queued. */
const CLOSE_FLUSH_TIMEOUT_MS = 30_000;
/** How long a peer may take to close its side after ours. */
const CLOSE_LINGER_MS = 1_000;

/**
 * Sends what is queued and `lastWords`, ends our side, and destroys the socket once the peer has ended its own, or had
 * the time to. To destroy it at once would reset the connection under an answer that the peer has not read yet.
 */
export function closeSocket(socket: Socket, timers: Timers, lastWords?: string): void {
  let timer = timers.schedule(CLOSE_FLUSH_TIMEOUT_MS, () => socket.destroy());
  socket.once("close", () => timer.cancel());
  socket.once("finish", () => {
    timer.cancel();
    timer = timers.schedule(CLOSE_LINGER_MS, () => socket.destroy());
  });
  if (lastWords === undefined) socket.end();
  else socket.end(lastWords);
  socket.resume();
}

import type { Admin } from "@ottla/admin";
import { type ConnectionOptions, connectionOf } from "./connection.ts";
import { sayWhenLate } from "./first-word.ts";

/** How long a command tries to reach the cluster: a person waits for the answer. */
const COMMAND_TIMEOUT_MS = 8_000;
const GIVING_UP = `it is given up after ${COMMAND_TIMEOUT_MS / 1000} s`;

/** A producer waits long for a broker to come up; a person who mistyped its address wants to be told. */
export async function requireBroker(options: ConnectionOptions, signal: AbortSignal): Promise<void> {
  await withAdmin(options, (admin) => admin.describeCluster({ signal }));
}

/** A consumer waits for a topic to appear, and a producer makes one; a person who mistyped its name wants to be told. */
export async function requireTopic(topic: string, options: ConnectionOptions, signal: AbortSignal): Promise<void> {
  await withAdmin(options, (admin) => admin.describeTopics([topic], { signal }));
}

/** Runs `task` with an admin client, and says in plain words when no broker is there. */
export async function withAdmin<T>(options: ConnectionOptions, task: (admin: Admin) => Promise<T>): Promise<T> {
  const { Admin } = await import("@ottla/admin");
  await using admin = new Admin({ ...(await connectionOf(options)), defaultApiTimeoutMs: COMMAND_TIMEOUT_MS });
  const stop = sayWhenLate(`${options.bootstrap} has not answered yet; ${GIVING_UP}`, process.stderr);
  // What the task asks may take its time: whether anybody is there is asked beside it.
  if (stop !== null) admin.describeCluster().then(stop, stop);
  try {
    return await task(admin);
  } finally {
    stop?.();
  }
}

import { spawn } from "node:child_process";
import { join } from "node:path";
import { ownEnvironment } from "./run.ts";

/** The command as a project has it that has installed it. */
export function installedCommand(directory: string): string {
  return join(directory, "node_modules/ottla/bin/ottla.cjs");
}

/** A broker in memory that an installed command runs. */
export interface InstalledBroker {
  /** `host:port` of its one listener. */
  readonly address: string;
  /** Ends it. @returns its exit code */
  stop(): Promise<number | null>;
}

/** Starts `ottla broker` in a project that has installed it. */
export async function startInstalledBroker(directory: string, ...options: string[]): Promise<InstalledBroker> {
  const args = [installedCommand(directory), "broker", "--port", "0", "--memory", ...options];
  const broker = spawn(process.execPath, args, {
    cwd: directory,
    env: ownEnvironment(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise<number | null>((resolve) => broker.once("exit", resolve));
  const stop = () => {
    broker.kill();
    return exited;
  };
  const ready = new Promise<string>((resolve) => broker.stdout.once("data", (line) => resolve(String(line))));
  const output = await Promise.race([ready, exited]);
  const address = /^ready (\S+)/.exec(String(output))?.[1];
  if (address !== undefined) return { address, stop };
  await stop();
  throw new Error(`the broker did not start: ${output}`);
}

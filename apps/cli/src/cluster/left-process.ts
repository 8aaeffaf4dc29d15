import { readFileSync } from "node:fs";
import type { RunningProcess } from "./supervised-process.ts";

/** How often it is looked whether it still runs. */
const LOOK_INTERVAL_MS = 200;

/** A process that an earlier start of the cluster has left behind, found by the file with its id. */
export class LeftProcess implements RunningProcess {
  readonly name: string;
  readonly pid: number;
  readonly lastWords = "its output went to the start before this one";
  readonly end = "by itself";

  private constructor(name: string, pid: number) {
    this.name = name;
    this.pid = pid;
  }

  /** Null where the file names no process that runs. */
  static find(name: string, pidFile: string): LeftProcess | null {
    const pid = readPid(pidFile);
    const left = pid === null ? null : new LeftProcess(name, pid);
    return left?.isRunning ? left : null;
  }

  get isRunning(): boolean {
    try {
      return process.kill(this.pid, 0);
    } catch {
      return false;
    }
  }

  get ended(): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.isRunning) setTimeout(look, LOOK_INTERVAL_MS).unref();
        else resolve();
      };
      look();
    });
  }

  async stop(patienceMs: number): Promise<void> {
    if (!this.isRunning) return;
    process.kill(this.pid, "SIGTERM");
    const endMs = performance.now() + patienceMs;
    while (this.isRunning && performance.now() < endMs)
      await new Promise((resume) => setTimeout(resume, LOOK_INTERVAL_MS));
    if (this.isRunning) process.kill(this.pid, "SIGKILL");
  }
}

function readPid(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

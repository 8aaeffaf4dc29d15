import { closeSync, ftruncateSync, openSync, writev as writevCallback, writevSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { crc32c } from "@ottla/protocol";
import type { LogManager, PartitionLog } from "@ottla/storage";
import type { Contestant, Measurement, Row } from "../harness/scenario.ts";
import {
  batchOf,
  KIBIBYTE,
  MEGABYTE,
  openLog,
  openLogs,
  removeDirectory,
  temporaryDirectory,
  untilDeletedAreGone,
} from "./temporary-log.ts";

const writev = promisify(writevCallback);

/** What arrives in one turn of the event loop, from all connections together. */
const TURN_BYTES = 1024 * KIBIBYTE;
/** What a repetition writes: the page cache takes all of it, so that the disk is not what counts. */
const TURNS = 128;
/** Bytes come from the network, and are in no cache that is near: nobody is given the same ones soon again. */
const TURNS_APART = 48;
/**
 * While one turn's batches are being written, those of the next arrive, as on a broker with several connections: each
 * turn is one of the event loop, so that the log can write what it has. A bare loop has nothing to wait for.
 */
const TURNS_IN_FLIGHT = 2;

/** Batches by the turn that they arrive in. */
type Turns = readonly (readonly Uint8Array[])[];

/** Times the turns alone, not what makes room for them. */
async function timed(turns: () => Promise<void> | void): Promise<Measurement> {
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  await turns();
  const { user, system } = process.cpuUsage(cpuBefore);
  const megabytes = (TURNS * TURN_BYTES) / MEGABYTE;
  return {
    figure: (megabytes * 1000) / (performance.now() - startedMs),
    perCpuSecond: (megabytes * 1e6) / (user + system),
  };
}

/** Nothing but the system call: what is given to the log, given to a file. */
function bareLoop(name: string, turns: Turns, look: (batch: Uint8Array) => void = () => {}): Contestant {
  return writing(name, (file) => {
    for (let turn = 0; turn < TURNS; turn++) {
      const batches = turns[turn % TURNS_APART]!;
      for (const batch of batches) look(batch);
      writevSync(file, batches, turn * TURN_BYTES);
    }
  });
}

/**
 * What the event loop leaves of that where it may not wait for a disk: a thread writes one turn, while the CRCs of the next
 * are looked at. Whatever checks batches and has a thread of the pool write them can come up to this.
 */
function inThread(name: string, turns: Turns): Contestant {
  return writing(name, async (file) => {
    let written: Promise<unknown> = Promise.resolve();
    for (let turn = 0; turn < TURNS; turn++) {
      const batches = turns[turn % TURNS_APART]!;
      for (const batch of batches) crc32c(batch);
      await written;
      written = writev(file, batches, turn * TURN_BYTES);
    }
    await written;
  });
}

/** Writes all turns to a file, anew each time. */
function writing(name: string, writeTurns: (file: number) => Promise<void> | void): Contestant {
  const directory = temporaryDirectory();
  const file = openSync(join(directory, "bare"), "w");
  return {
    name,
    measure() {
      ftruncateSync(file, 0);
      return timed(() => writeTurns(file));
    },
    close() {
      closeSync(file);
      removeDirectory(directory);
    },
  };
}

/** As a leader appends what clients sent: each batch is checked (CRC included), and gets its offsets. */
function ottlaAppends(turns: Turns): Contestant {
  const directory = temporaryDirectory();
  let logs: LogManager | null = null;
  let log: PartitionLog | null = null;
  return {
    name: "ottla, appendAsLeader",
    async measure() {
      logs ??= await openLogs(directory, { tailMemoryBytes: 0 });
      // A deleted file is gone at once: else the disk would have to take all of them.
      log ??= await openLog(logs, { fileDeleteDelayMs: 0 });
      await log.truncateFullyAndStartAt(0);
      await untilDeletedAreGone(directory);
      const measured = log;
      return await timed(() => appendTurns(measured, turns));
    },
    async close() {
      await logs?.close();
      removeDirectory(directory);
    },
  };
}

async function appendTurns(log: PartitionLog, turns: Turns): Promise<void> {
  const inFlight: Promise<void>[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    await nextTurn();
    if (inFlight.length === TURNS_IN_FLIGHT) await inFlight.shift();
    let written = Promise.resolve();
    for (const batch of turns[turn % TURNS_APART]!) {
      written = log.appendAsLeader(batch, { leaderEpoch: 0, origin: "client" }).written;
    }
    inFlight.push(written);
  }
  await Promise.all(inFlight);
}

export function* appendRows(): Iterable<Row> {
  for (const sizeKiB of [16, 64]) {
    const sizeBytes = sizeKiB * KIBIBYTE;
    const turn = () => Array.from({ length: TURN_BYTES / sizeBytes }, () => batchOf(sizeBytes));
    const turns = Array.from({ length: TURNS_APART }, turn);
    const bare = bareLoop("bare writevSync loop", turns);
    const checking = bareLoop("the same, with the CRC-32C of each batch", turns, crc32c);
    const threaded = inThread("the same, written by fs.writev in a thread meanwhile", turns);
    yield {
      name: `append batches of ${sizeKiB} KiB, 1 MiB a turn (the bound is 0.8x)`,
      unit: "MB/s",
      baseline: bare.name,
      contestants: [bare, checking, threaded, ottlaAppends(turns)],
    };
  }
}

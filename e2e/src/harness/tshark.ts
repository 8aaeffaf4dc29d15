import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { CapturedFrame } from "./capture-proxy.ts";
import { external } from "./external.ts";
import { pcapOf } from "./pcap.ts";
import { run } from "./process.ts";

/** The value of `_ws.expert.group` for what a dissector takes for malformed. */
const MALFORMED_GROUP = String(0x07_00_00_00);

/**
 * The newest version of each API that the dissector of Wireshark 4.0 (Debian 12) knows. It takes apart what is newer as
 * if it were this one, and of course finds nonsense: only what it knows is judged.
 */
export const DISSECTED_VERSIONS: Readonly<Record<number, number>> = {
  ...{ 0: 8, 1: 11, 2: 5, 3: 9, 8: 8, 9: 7, 10: 3, 11: 7, 12: 4, 13: 4, 14: 5, 15: 5, 16: 3, 18: 3, 19: 5, 20: 4 },
  ...{ 21: 1, 22: 3, 23: 3, 29: 2, 32: 2, 33: 1, 35: 1, 37: 2, 42: 2, 44: 1, 47: 0 },
};

export interface Dissection {
  /** Frames that the dissector knows the version of. */
  readonly judged: number;
  /** Frames that it does not know the API or the version of. */
  readonly unknown: number;
  /** What it finds malformed in the judged ones: `JoinGroup v5 Request: …`, each once. */
  readonly complaints: readonly string[];
}

/** What tshark's Kafka dissector thinks of frames. */
export async function dissect(frames: readonly CapturedFrame[]): Promise<Dissection> {
  if (external.tshark === null) throw new Error("tshark is absent");
  const directory = await mkdtemp(join(tmpdir(), "ottla-capture-"));
  try {
    const file = join(directory, "capture.pcap");
    await writeFile(file, pcapOf(frames));
    const fields = ["_ws.col.Info", "_ws.expert.group", "_ws.expert.message"].flatMap((name) => ["-e", name]);
    const args = ["-n", "-r", file, "-Y", "kafka", "-T", "fields", "-E", "aggregator=|", ...fields];
    const { code, stdout, stderr } = await run(external.tshark, args, { timeoutMs: 60_000 });
    if (code !== 0) throw new Error(`tshark ended with ${code}: ${stderr}`);
    return judge(stdout.split("\n").filter((line) => line !== ""));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function judge(lines: readonly string[]): Dissection {
  const complaints = new Set<string>();
  let [judged, unknown] = [0, 0];
  for (const line of lines) {
    const [info = "", groups = "", messages = ""] = line.split("\t");
    if (/Unsupported API version|Unknown API key|Undecoded/.test(info)) {
      unknown++;
      continue;
    }
    judged++;
    const name = /^Kafka (\w+ v\d+ (?:Request|Response))/.exec(info)?.[1] ?? info;
    for (const [index, group] of groups.split("|").entries()) {
      if (group === MALFORMED_GROUP) complaints.add(`${name}: ${messages.split("|")[index]}`);
    }
  }
  return { judged, unknown, complaints: [...complaints].sort() };
}

/** What it finds in Apache Kafka's frames just as in ours: its own errors. `tshark.test.ts` shows that it does. */
export const DISSECTOR_ERRORS: readonly RegExp[] = [
  /^(Join|Sync)Group v\d+ (Request|Response): Dissected message does not end at the pdu length offset$/,
  // It forgets the throttle time.
  /^DeleteTopics v1 Response: Dissected message does not end at the pdu length offset$/,
  // Of all partitions: no topics, which it takes for a length.
  /^ListPartitionReassignments v0 Request: Malformed Packet/,
  // zstd as aiokafka compresses a record of 1 MB: in the client's request, and so in what is read back.
  /^(Produce v\d+ Request|Fetch v\d+ Response): Invalid record length field$/,
];

/** The last test of a file: what other people's programs and our broker have said to each other in it. */
export function itIsDissected(frames: () => readonly CapturedFrame[]): void {
  it.skipIf(external.tshark === null)("tshark's dissector finds no malformed packet in all of that", async () => {
    const { judged, complaints } = await dissect(frames());
    expect(judged).toBeGreaterThan(0);
    expect(complaints.filter((complaint) => !DISSECTOR_ERRORS.some((error) => error.test(complaint)))).toEqual([]);
  });
}

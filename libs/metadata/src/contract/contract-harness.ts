import { type Uuid, uuidFromBytes } from "@ottla/protocol";
import { systemRandom } from "@ottla/runtime";
import type { AppendOutcome, MetadataEntry, MetadataLog } from "../log/metadata-log.ts";
import { deserializeRecord, serializeRecord } from "../records/record-serde.ts";
import { expectEqual, expectThat } from "./expectations.ts";

/** One implementation under test, with an empty log. */
export interface ContractHarness {
  /** A broker's connection to the log. Called again: another broker's, where there can be several. */
  connect(): Promise<MetadataLog>;
  /** Whether several brokers can share the log. */
  readonly isShared: boolean;
  /** Ends a connection as a crash does, without a goodbye; the log stays. */
  crash(log: MetadataLog): Promise<void>;
  /** Ends the broker's session with the service while the connection object lives on; null where there are none. */
  readonly expireSession: ((log: MetadataLog) => Promise<void>) | null;
  close(): Promise<void>;
}

/** One rule that every metadata log keeps. */
export interface ContractCase {
  readonly name: string;
  /** True for rules about several brokers. */
  readonly needsShared?: boolean;
  readonly needsSessions?: boolean;
  run(harness: ContractHarness): Promise<void>;
}

export const BROKER_1 = announcement(1);
export const BROKER_2 = announcement(2);

/** Distinct ids for tests: the text of a UUID with a number at its end. */
export function testUuid(number: number): Uuid {
  return `${"A".repeat(16)}${String(number).padStart(5, "0")}A`;
}

function announcement(brokerId: number) {
  return { brokerId, incarnationId: testUuid(100 + brokerId), directoryId: testUuid(200 + brokerId) };
}

/** A record that tests can tell apart. */
export function feature(featureLevel: number): Uint8Array {
  return serializeRecord({ type: "FeatureLevelRecord", name: "test.version", featureLevel });
}

/** Announces the broker and takes the controller's office; repeats what stays unknown. */
export async function becomeController(log: MetadataLog, broker = BROKER_1): Promise<number> {
  expectEqual(await log.liveness.announce(broker), { kind: "done" }, "announcing");
  for (;;) {
    const outcome = await log.election.claim(broker.brokerId);
    if (outcome.kind === "won") return outcome.controllerEpoch;
    expectThat(outcome.kind === "unknown", `broker ${broker.brokerId} becomes controller`);
  }
}

function appendId(): Uuid {
  return uuidFromBytes(systemRandom.fill(new Uint8Array(16)));
}

/** Appends and, as every caller must, repeats the append until its outcome is known. */
export async function appendUntilKnown(
  log: MetadataLog,
  controllerEpoch: number,
  expectedOffset: number,
  records: readonly Uint8Array[],
): Promise<AppendOutcome> {
  const append = { id: appendId(), controllerEpoch, expectedOffset, records };
  for (;;) {
    const outcome = await log.append(append);
    if (outcome.kind !== "unknown") return outcome;
  }
}

/** Everything in the log from `offset` on, read until the head. */
export async function readAll(log: MetadataLog, offset = 0): Promise<MetadataEntry[]> {
  const entries: MetadataEntry[] = [];
  const { endOffset } = await log.head();
  for (let next = offset; next < endOffset; ) {
    const slice = await log.read(next);
    expectThat(slice.kind === "entries", `the log reaches back to ${next}`);
    entries.push(...slice.entries);
    next = slice.entries.at(-1)?.endOffset ?? next;
  }
  return entries;
}

/** The feature levels that the entries set, in order. */
export function levelsOf(entries: readonly MetadataEntry[]): number[] {
  return entries
    .flatMap((entry) => entry.records)
    .map(deserializeRecord)
    .flatMap((record) => (record.type === "FeatureLevelRecord" ? [record.featureLevel] : []));
}

/** What processes that write transactions and read them have seen. Times are of one clock for the whole machine. */
export interface History {
  readonly transactions: readonly TransactionHistory[];
  readonly reads: readonly Read[];
}

export interface TransactionHistory {
  readonly id: string;
  /** Each process writes one record at a time to a partition. */
  readonly process: string;
  /** In the order they were sent. */
  readonly sends: readonly Send[];
  /** When the commit was asked for; null if it never was. */
  readonly committingAtMs: number | null;
  /** `unknown`: the writer died, or was not told. */
  readonly outcome: "committed" | "aborted" | "unknown";
}

export interface Send {
  readonly partition: string;
  /** No two records have the same. */
  readonly value: string;
  /** Null if it was never acknowledged. */
  readonly offset: number | null;
}

/** One record that a reader of committed records was given. */
export interface Read {
  /** Reads each partition from its beginning, once. */
  readonly reader: string;
  readonly partition: string;
  readonly offset: number;
  readonly value: string;
  readonly atMs: number;
}

/** What must not be found in a history. */
export type AnomalyKind =
  | "aborted read"
  | "precommitted read"
  | "torn transaction"
  | "lost write"
  | "duplicate"
  | "inconsistent offsets"
  | "non-monotonic poll"
  | "skipped by a poll"
  | "non-monotonic send"
  | "unknown value";

export interface Anomaly {
  readonly kind: AnomalyKind;
  readonly what: string;
}

/**
 * Finds what no log with transactions may show. Readers have read to the end of every partition after all writers had
 * ended (`lost write` and `torn transaction` take that for granted).
 */
export function findAnomalies(history: History): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const report = (kind: AnomalyKind, what: string) => anomalies.push({ kind, what });
  const log = logOf(history.reads, report);
  checkOffsets(history.transactions, log, report);
  checkReaders(history.reads, log, report);
  checkOutcomes(history, log, report);
  return anomalies;
}

type Report = (kind: AnomalyKind, what: string) => void;

/** The log as all readers together have seen it: partition -> offset -> value. */
type Log = ReadonlyMap<string, ReadonlyMap<number, string>>;

function logOf(reads: readonly Read[], report: Report): Log {
  const log = new Map<string, Map<number, string>>();
  const offsetOf = new Map<string, string>();
  for (const { partition, offset, value } of reads) {
    const seen = getOrCreate(log, partition, () => new Map<number, string>());
    const other = seen.get(offset);
    if (other !== undefined && other !== value) {
      report("inconsistent offsets", `${partition}@${offset} is ${other} and ${value}`);
    }
    seen.set(offset, value);
    const place = `${partition}@${offset}`;
    const otherPlace = offsetOf.get(value);
    if (otherPlace !== undefined && otherPlace !== place)
      report("duplicate", `${value} is at ${otherPlace} and ${place}`);
    offsetOf.set(value, place);
  }
  return log;
}

/** Writers were told offsets: they rise, and are where readers find the records. */
function checkOffsets(transactions: readonly TransactionHistory[], log: Log, report: Report): void {
  const last = new Map<string, number>();
  for (const { process, sends } of transactions) {
    for (const { partition, offset, value } of sends) {
      if (offset === null) continue;
      const seen = log.get(partition)?.get(offset);
      if (seen !== undefined && seen !== value) {
        report("inconsistent offsets", `${value} was acknowledged as ${partition}@${offset}, where ${seen} is`);
      }
      const key = `${process} ${partition}`;
      const before = last.get(key) ?? -1;
      if (offset <= before) report("non-monotonic send", `${value} went to ${partition}@${offset}, after @${before}`);
      last.set(key, offset);
    }
  }
}

/** Each reader is given each partition's records in order, leaving out none that another was given. */
function checkReaders(reads: readonly Read[], log: Log, report: Report): void {
  const given = new Map<string, { reader: string; partition: string; offsets: Set<number>; last: number }>();
  for (const { reader, partition, offset } of reads) {
    const fresh = () => ({ reader, partition, offsets: new Set<number>(), last: -1 });
    const own = getOrCreate(given, `${reader} ${partition}`, fresh);
    if (offset <= own.last) report("non-monotonic poll", `${reader} got ${partition}@${offset} after @${own.last}`);
    own.last = Math.max(own.last, offset);
    own.offsets.add(offset);
  }
  for (const { reader, partition, offsets, last } of given.values()) {
    for (const offset of log.get(partition)!.keys()) {
      if (offset < last && !offsets.has(offset)) {
        report("skipped by a poll", `${reader} never got ${partition}@${offset}, but @${last}`);
      }
    }
  }
}

function checkOutcomes({ transactions, reads }: History, log: Log, report: Report): void {
  const seen = new Set([...log.values()].flatMap((values) => [...values.values()]));
  const known = new Set<string>();
  const committingAtMs = new Map<string, number>();
  for (const transaction of transactions) {
    for (const { value } of transaction.sends) {
      known.add(value);
      committingAtMs.set(value, transaction.committingAtMs ?? Number.POSITIVE_INFINITY);
    }
    checkOutcome(transaction, seen, report);
  }
  for (const { value, reader, atMs } of reads) {
    if (!known.has(value)) report("unknown value", `${reader} got ${value}, which nobody sent`);
    else if (atMs < committingAtMs.get(value)!) report("precommitted read", `${reader} got ${value} before its commit`);
  }
}

function checkOutcome({ id, sends, outcome }: TransactionHistory, seen: ReadonlySet<string>, report: Report): void {
  const visible = sends.filter(({ value }) => seen.has(value)).map(({ value }) => value);
  if (outcome === "aborted") {
    if (visible.length > 0) report("aborted read", `${id} was aborted, and shows ${visible}`);
    return;
  }
  const hidden = sends.filter(({ value }) => !seen.has(value)).map(({ value }) => value);
  if (outcome === "committed") {
    if (hidden.length > 0) report("lost write", `${id} was committed, and lacks ${hidden}`);
  } else if (visible.length > 0 && hidden.length > 0) {
    report("torn transaction", `${id} shows ${visible} and lacks ${hidden}`);
  }
}

function getOrCreate<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const existing = map.get(key);
  if (existing !== undefined) return existing;
  const created = create();
  map.set(key, created);
  return created;
}

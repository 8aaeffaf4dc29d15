import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { admin } from "../app/cluster.ts";
import { offsetsOf, type PartitionLag } from "../data/lag.ts";
import { messageOf } from "../data/polled.ts";
import { explainRefusedReset, newOffsetOf, type ResetTarget } from "../groups/reset.ts";
import { Notice } from "../ui/basics.tsx";
import { Field, FormDialog } from "../ui/dialog.tsx";
import * as format from "../ui/format.ts";
import { Scroll } from "../ui/scroll.tsx";
import { toast } from "../ui/toast.tsx";
import type { PolledGroup } from "./group.tsx";

interface PreviewRow extends PartitionLag {
  readonly next: number;
}

const TARGET_LABELS = { time: "Time", offset: "Offset", shift: "By how many records" } as const;

/** Moves what a group has committed; shows before what will be read again or skipped. */
export function ResetOffsets(props: {
  readonly groupId: string;
  readonly partitions: readonly PartitionLag[];
  readonly polled: PolledGroup;
  readonly onClose: () => void;
}) {
  const kind = useSignal<ResetTarget["kind"]>("earliest");
  const text = useSignal("");
  const topic = useSignal("");
  const preview = useSignal<readonly PreviewRow[] | null>(null);
  const problem = useSignal<string | null>(null);
  const topics = [...new Set(props.partitions.map((partition) => partition.topic))];
  const chosen = props.partitions.filter((partition) => topic.value === "" || partition.topic === topic.value);
  useEffect(() => {
    const abort = new AbortController();
    const target = targetOf(kind.value, text.value);
    preview.value = null;
    problem.value = typeof target === "string" ? target : null;
    if (typeof target !== "string") {
      previewOf(chosen, target, abort.signal).then(
        (rows) => {
          preview.value = rows;
        },
        (error: unknown) => {
          if (!abort.signal.aborted) problem.value = messageOf(error);
        },
      );
    }
    return () => abort.abort();
  }, [kind.value, text.value, topic.value]);
  const rows = preview.value ?? [];
  const reset = async () => {
    const offsets = rows.map((row) => ({ topic: row.topic, partition: row.partition, offset: row.next }));
    await admin.alterGroupOffsets(props.groupId, offsets).catch(explainRefusedReset);
    await props.polled.refresh();
    toast(`The offsets of ${format.plural(rows.length, "partition")} are moved.`);
  };
  return (
    <FormDialog
      title={`Reset offsets of ${props.groupId}`}
      submitLabel="Move the offsets"
      isWide
      isDanger
      onSubmit={reset}
      onClose={props.onClose}
      canSubmit={rows.length > 0}
    >
      <div class="two">
        <Field label="To">
          <select
            name="to"
            value={kind.value}
            onChange={(event) => {
              kind.value = event.currentTarget.value as ResetTarget["kind"];
              text.value = "";
            }}
          >
            <option value="earliest">the beginning</option>
            <option value="latest">the end</option>
            <option value="time">a time</option>
            <option value="offset">an offset</option>
            <option value="shift">forward or back by …</option>
          </select>
        </Field>
        <Field label="Topic">
          <select value={topic.value} onChange={(event) => (topic.value = event.currentTarget.value)}>
            <option value="">all topics of the group</option>
            {topics.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </Field>
      </div>
      {kind.value === "earliest" || kind.value === "latest" ? null : (
        <Field label={TARGET_LABELS[kind.value]} error={text.value === "" ? null : problem.value}>
          {kind.value === "time" ? (
            <input
              name="target"
              type="datetime-local"
              step="1"
              onInput={(event) => (text.value = event.currentTarget.value)}
            />
          ) : (
            <input
              name="target"
              placeholder={kind.value === "offset" ? "0" : "-100"}
              value={text.value}
              onInput={(event) => (text.value = event.currentTarget.value)}
            />
          )}
        </Field>
      )}
      {problem.value !== null && kind.value !== "time" && text.value !== "" ? null : <Preview rows={preview.value} />}
    </FormDialog>
  );
}

function Preview({ rows }: { readonly rows: readonly PreviewRow[] | null }) {
  if (rows === null) return null;
  const again = rows.reduce((sum, { next, committed }) => sum + Math.max(0, committed - next), 0);
  const skipped = rows.reduce((sum, { next, committed }) => sum + Math.max(0, next - committed), 0);
  return (
    <>
      <Notice tone={again + skipped === 0 ? "good" : "warn"}>
        {again + skipped === 0
          ? "Nothing would change."
          : `${format.plural(again, "record")} will be read again, ${format.count(skipped)} will be skipped.`}
      </Notice>
      <Scroll className="preview-table">
        <table>
          <thead>
            <tr>
              <th>Partition</th>
              <th class="number">Now</th>
              <th class="number">Then</th>
              <th class="number">Change</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ topic, partition, committed, next }) => (
              <tr key={`${topic}-${partition}`}>
                <td>
                  {topic}-{partition}
                </td>
                <td class="number">{format.count(committed)}</td>
                <td class="number">{format.count(next)}</td>
                <td class="number">
                  {next === committed ? "–" : `${next > committed ? "+" : ""}${format.count(next - committed)}`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  );
}

/** What was chosen, or what is wrong with it. */
function targetOf(kind: ResetTarget["kind"], text: string): ResetTarget | string {
  if (kind === "earliest" || kind === "latest") return { kind };
  if (kind === "time") {
    const timestampMs = Date.parse(text);
    return Number.isNaN(timestampMs) ? "Choose a time." : { kind, timestampMs };
  }
  if (kind === "offset")
    return /^\d+$/.test(text) ? { kind, offset: Number(text) } : "An offset is a whole number, 0 or more.";
  return /^[+-]?\d+$/.test(text) ? { kind, by: Number(text) } : "A whole number such as -100 or +50 is expected.";
}

async function previewOf(
  partitions: readonly PartitionLag[],
  target: ResetTarget,
  signal: AbortSignal,
): Promise<PreviewRow[]> {
  const [begins, ends, found] = await Promise.all([
    offsetsOf(partitions, "earliest", signal),
    offsetsOf(partitions, "latest", signal),
    target.kind === "time"
      ? offsetsOf(partitions, { timestampMs: target.timestampMs }, signal)
      : new Map<string, number>(),
  ]);
  return partitions.map((partition) => {
    const name = `${partition.topic}-${partition.partition}`;
    const range = { begin: begins.get(name) ?? 0, end: ends.get(name) ?? 0 };
    return { ...partition, next: newOffsetOf(target, partition.committed, range, found.get(name)) };
  });
}

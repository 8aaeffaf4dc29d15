import { useSignal } from "@preact/signals";
import { pageProducer } from "../messages/page-producer.ts";
import { Button } from "../ui/basics.tsx";
import { Field, FormDialog } from "../ui/dialog.tsx";
import * as format from "../ui/format.ts";
import { toast } from "../ui/toast.tsx";

/** What a file is taken for. */
type FileMode = "lines" | "whole";

interface HeaderRow {
  readonly name: string;
  readonly value: string;
}

/** More records of a file than this are for `ottla produce`, which does not keep them all in memory. */
const FILE_BYTES_MAX = 50_000_000;

/** Writes a record, or the records of a file. */
export function ProduceDialog(props: {
  readonly topic: string;
  readonly partitions: number;
  readonly onClose: () => void;
  readonly onProduced: () => void;
}) {
  const key = useSignal("");
  const value = useSignal("");
  const isTombstone = useSignal(false);
  const partition = useSignal("");
  const headers = useSignal<readonly HeaderRow[]>([]);
  const file = useSignal<File | null>(null);
  const mode = useSignal<FileMode>("lines");
  const jsonProblem = jsonProblemOf(value.value);
  const produce = async () => {
    const common = {
      topic: props.topic,
      ...(key.value !== "" && { key: key.value }),
      ...(partition.value !== "" && { partition: Number(partition.value) }),
      headers: headers.value.filter(({ name }) => name !== "").map((row) => [row.name, row.value] as const),
    };
    const values =
      file.value === null ? [isTombstone.value ? null : value.value] : await valuesOf(file.value, mode.value);
    const sent = await pageProducer().send(values.map((each) => ({ ...common, value: each })));
    const [first] = sent;
    toast(
      sent.length === 1
        ? `Written to partition ${first!.partition} at offset ${first!.offset}.`
        : `${format.plural(sent.length, "record")} written.`,
    );
    props.onProduced();
  };
  const hasNamelessHeader = headers.value.some((row) => row.name === "" && row.value !== "");
  const isTombstoneWithoutKey = isTombstone.value && key.value === "" && file.value === null;
  return (
    <FormDialog
      title={`Produce to ${props.topic}`}
      submitLabel="Produce"
      isWide
      onSubmit={produce}
      onClose={props.onClose}
      canSubmit={!isTombstoneWithoutKey && !hasNamelessHeader}
    >
      <div class="two">
        <Field
          label="Key"
          hint="None where empty."
          error={isTombstoneWithoutKey ? "A tombstone deletes a key: it needs one." : null}
        >
          <input
            name="produce-key"
            autocomplete="off"
            value={key.value}
            onInput={(event) => (key.value = event.currentTarget.value)}
          />
        </Field>
        <Field label="Partition">
          <select value={partition.value} onChange={(event) => (partition.value = event.currentTarget.value)}>
            <option value="">chosen by key</option>
            {Array.from({ length: props.partitions }, (_, index) => (
              <option key={index}>{index}</option>
            ))}
          </select>
        </Field>
      </div>
      {file.value === null ? (
        <Field
          label="Value"
          hint={isTombstone.value ? "Null: on a compacted topic this deletes the key." : (jsonProblem ?? "\u00a0")}
        >
          <textarea
            name="produce-value"
            rows={7}
            spellcheck={false}
            disabled={isTombstone.value}
            value={isTombstone.value ? "" : value.value}
            onInput={(event) => (value.value = event.currentTarget.value)}
          />
        </Field>
      ) : (
        <Field label={`${file.value.name}, ${format.bytes(file.value.size)}`}>
          <select value={mode.value} onChange={(event) => (mode.value = event.currentTarget.value as FileMode)}>
            <option value="lines">each line is a record</option>
            <option value="whole">the whole file is one record</option>
          </select>
        </Field>
      )}
      <div class="produce-more">
        <label class="check">
          <input
            type="checkbox"
            checked={isTombstone.value}
            onChange={(event) => (isTombstone.value = event.currentTarget.checked)}
          />
          Tombstone (null)
        </label>
        <label class="button quiet">
          From a file…
          <input
            type="file"
            class="hidden-input"
            onChange={(event) => {
              file.value = event.currentTarget.files?.[0] ?? null;
            }}
          />
        </label>
        <Button kind="quiet" icon="plus" onClick={() => (headers.value = [...headers.value, { name: "", value: "" }])}>
          Header
        </Button>
      </div>
      {headers.value.map((row, index) => (
        <div class="header-row" key={index}>
          <input
            aria-label="Header name"
            placeholder="name"
            value={row.name}
            onInput={(event) =>
              (headers.value = replaced(headers.value, index, { ...row, name: event.currentTarget.value }))
            }
          />
          <input
            aria-label="Header value"
            placeholder="value"
            value={row.value}
            onInput={(event) =>
              (headers.value = replaced(headers.value, index, { ...row, value: event.currentTarget.value }))
            }
          />
          <Button
            kind="quiet"
            icon="close"
            label="Remove the header"
            onClick={() => (headers.value = headers.value.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      {hasNamelessHeader ? <small class="error">A header needs a name.</small> : null}
    </FormDialog>
  );
}

function replaced(rows: readonly HeaderRow[], index: number, row: HeaderRow): HeaderRow[] {
  return rows.map((each, at) => (at === index ? row : each));
}

/** What looks like JSON and is none is most likely a slip; it may be written all the same. */
function jsonProblemOf(text: string): string | null {
  if (!/^\s*[[{]/.test(text)) return null;
  try {
    JSON.parse(text);
    return "Valid JSON.";
  } catch (error) {
    return `Not valid JSON: ${error instanceof Error ? error.message : error}`;
  }
}

/** @throws Error for a file that is too large or empty */
async function valuesOf(file: File, mode: FileMode): Promise<(string | Uint8Array)[]> {
  if (file.size > FILE_BYTES_MAX) {
    throw new Error(
      `The file has ${format.bytes(file.size)}; here at most ${format.bytes(FILE_BYTES_MAX)} are possible. Use ottla produce for it.`,
    );
  }
  if (file.size === 0)
    throw new Error(`The file ${file.name} is empty: there is nothing to write. Choose another one.`);
  if (mode === "whole") return [new Uint8Array(await file.arrayBuffer())];
  const lines = (await file.text()).split(/\r?\n/).filter((line) => line !== "");
  if (lines.length === 0) throw new Error("The file has only empty lines: there is no record in it.");
  return lines;
}

import type { ConsumerRecord } from "@ottla/consumer";
import { useSignal } from "@preact/signals";
import { toJsonLine } from "../messages/ndjson.ts";
import { show, type ViewName } from "../messages/views.ts";
import { Badge, Button } from "../ui/basics.tsx";
import * as format from "../ui/format.ts";
import { copyText } from "../ui/toast.tsx";
import { VirtualTable } from "../ui/virtual-list.tsx";

/** A row shows so much of a value; the rest is one click away. */
const PREVIEW_CHARACTERS = 400;

const idOf = ({ partition, offset }: ConsumerRecord) => `${partition}-${offset}`;

/** Records in rows; the one that is opened is shown beside them in full. */
export function RecordList(props: {
  readonly records: readonly ConsumerRecord[];
  readonly view: ViewName;
  readonly topic: string;
}) {
  const openId = useSignal<string | null>(null);
  const { records, view } = props;
  const open = records.find((record) => idOf(record) === openId.value);
  return (
    <div class={`records ${open === undefined ? "" : "with-detail"}`}>
      <VirtualTable
        label="Records"
        rows={records}
        rowHeight={36}
        columns="minmax(100px, 180px) 66px 80px minmax(70px, 1fr) minmax(160px, 5fr)"
        head={["Time", "Partition", "Offset", "Key", "Value"]}
        keyOf={idOf}
        onOpen={(record) => (openId.value = idOf(record))}
        rowClass={(record) => (idOf(record) === openId.value ? "open" : "")}
        render={(record) => [
          <time key="time" dateTime={isoTime(record.timestampMs)}>
            {format.shortTimestamp(record.timestampMs)}
          </time>,
          record.partition,
          <button
            key="offset"
            type="button"
            class="link"
            aria-label={`Open the record at offset ${record.offset} of partition ${record.partition}`}
          >
            {record.offset}
          </button>,
          <Preview key="key" bytes={record.keyBytes} view={view} />,
          <Preview key="value" bytes={record.valueBytes} view={view} />,
        ]}
      />
      {open === undefined ? null : <RecordDetail record={open} view={view} onClose={() => (openId.value = null)} />}
    </div>
  );
}

function isoTime(timestampMs: number): string | undefined {
  const date = new Date(timestampMs);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function Preview({ bytes, view }: { readonly bytes: Uint8Array | null; readonly view: ViewName }) {
  // A long value is not read whole for the sake of its first line.
  const isCut = bytes !== null && bytes.length > PREVIEW_CHARACTERS && (view === "auto" || view === "text");
  const { text, as } = isCut ? show(bytes.subarray(0, PREVIEW_CHARACTERS), "text", false) : show(bytes, view, false);
  return <code class={`preview as-${as}`}>{as === "empty" ? "empty" : text.slice(0, PREVIEW_CHARACTERS)}</code>;
}

function RecordDetail(props: {
  readonly record: ConsumerRecord;
  readonly view: ViewName;
  readonly onClose: () => void;
}) {
  const { record, view } = props;
  const headers = [...record.headers];
  return (
    <aside class="detail" aria-label="Record">
      <header>
        <h2>
          Partition {record.partition}, offset {format.count(record.offset)}
        </h2>
        <Button
          kind="quiet"
          icon="copy"
          label="Copy the record as JSON"
          title="Copy as JSON"
          onClick={() => copyText(toJsonLine(record))}
        />
        <Button kind="quiet" icon="close" label="Close the record" onClick={props.onClose} />
      </header>
      <dl>
        <dt>Time</dt>
        <dd>
          {format.timestamp(record.timestampMs)} <Badge>{record.timestampType}</Badge>
        </dd>
        <dt>Leader epoch</dt>
        <dd>{record.leaderEpoch}</dd>
        <dt>Size</dt>
        <dd>
          key {format.bytes(record.keyBytes?.length ?? 0)}, value {format.bytes(record.valueBytes?.length ?? 0)}
        </dd>
      </dl>
      <Bytes title="Key" bytes={record.keyBytes} view={view} />
      {headers.length === 0 ? null : (
        <section>
          <h3>Headers</h3>
          <table>
            <tbody>
              {headers.map(([name, value], index) => (
                <tr key={index}>
                  <th scope="row">{name}</th>
                  <td>
                    <code>{show(value, "auto", false).text}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      <Bytes title="Value" bytes={record.valueBytes} view={view} />
    </aside>
  );
}

function Bytes({
  title,
  bytes,
  view,
}: {
  readonly title: string;
  readonly bytes: Uint8Array | null;
  readonly view: ViewName;
}) {
  const shown = show(bytes, view, true);
  return (
    <section>
      <h3>
        {title}{" "}
        <Badge tone={shown.problem === undefined ? "plain" : "warn"}>
          {shown.as === "null" && title === "Value" ? "tombstone" : shown.as}
        </Badge>
        <Button
          kind="quiet"
          icon="copy"
          label={`Copy the ${title.toLowerCase()}`}
          title="Copy"
          onClick={() => copyText(shown.text)}
        />
      </h3>
      {shown.problem === undefined ? null : <p class="bad-text">It is not what was asked for: {shown.problem}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long value is scrolled with the keyboard */}
      <pre tabIndex={0}>{shown.text}</pre>
    </section>
  );
}

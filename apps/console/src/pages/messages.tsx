import type { ConsumerRecord } from "@ottla/consumer";
import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { replaceQuery, route } from "../app/router.ts";
import { messageOf } from "../data/polled.ts";
import { type FilterField, parseFilter } from "../messages/filter.ts";
import { downloadText, toJsonLine } from "../messages/ndjson.ts";
import { type ReadProgress, RecordReader, type Start } from "../messages/reader.ts";
import { loadView, VIEWS, type ViewName } from "../messages/views.ts";
import { Button, Empty, Notice } from "../ui/basics.tsx";
import * as format from "../ui/format.ts";
import { ProduceDialog } from "./produce-dialog.tsx";
import { RecordList } from "./record-list.tsx";

const LIMITS = [50, 100, 500, 2_000];
const RETRY_MS = 2_000;

interface MessagesProps {
  readonly topic: string;
  readonly partitions: number;
  readonly query: URLSearchParams;
}

/** The settings of the view; all of them are part of its address. */
interface Settings {
  /** What is wrong with it, or missing, where it is a text. */
  readonly start: Start | string;
  readonly startText: string;
  readonly at: string;
  readonly partition: number | null;
  readonly field: FilterField;
  readonly filterText: string;
  readonly limit: number;
}

/** Records of a topic: from where one wants, filtered, as they come. */
export function MessagesView({ topic, partitions, query }: MessagesProps) {
  const progress = useSignal<ReadProgress | null>(null);
  const problem = useSignal<string | null>(null);
  const view = useSignal<ViewName>("auto");
  const isProducing = query.get("produce") === "1";
  const run = useSignal(0);
  const settings = settingsOf(query);
  const set = (changes: Readonly<Record<string, string | undefined>>) =>
    replaceQuery({ ...Object.fromEntries(route.peek().query), ...changes });
  useReader({ topic, partitions, settings, run, progress, problem });
  const { start } = settings;
  const isLive = settings.startText === "live";
  // Nothing is being read where the filter is none.
  const isRefused = problem.value !== null && progress.value === null;
  return (
    <>
      <Toolbar partitions={partitions} settings={settings} set={set} onRefresh={() => run.value++}>
        <label>
          <span>Show as</span>
          <select
            value={view.value}
            onChange={async (event) => {
              const chosen = event.currentTarget.value as ViewName;
              await loadView(chosen);
              view.value = chosen;
            }}
          >
            {VIEWS.map(({ name, label }) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <div class="actions">
          <Button
            icon="download"
            onClick={() => download(topic, progress.value?.records ?? [])}
            disabled={(progress.value?.records.length ?? 0) === 0}
          >
            NDJSON
          </Button>
          <Button icon="plus" kind="primary" onClick={() => set({ produce: "1" })}>
            Produce
          </Button>
        </div>
      </Toolbar>
      {problem.value === null ? null : <Notice tone="bad">{problem.value}</Notice>}
      {typeof start === "string" ? (
        <Notice tone={settings.at === "" ? "plain" : "bad"}>{start}</Notice>
      ) : isRefused ? null : (
        <>
          <Status progress={progress.value} isLive={isLive} onStop={() => set({ from: "newest" })} />
          {progress.value !== null && progress.value.records.length > 0 ? (
            <RecordList records={progress.value.records} view={view.value} topic={topic} />
          ) : (
            <Nothing progress={progress.value} isLive={isLive} isFiltered={settings.filterText !== ""} />
          )}
        </>
      )}
      {isProducing ? (
        <ProduceDialog
          topic={topic}
          partitions={partitions}
          onClose={() => set({ produce: undefined })}
          onProduced={() => run.value++}
        />
      ) : null}
    </>
  );
}

function settingsOf(query: URLSearchParams): Settings {
  const partition = query.get("partition");
  const startText = query.get("from") ?? "newest";
  const at = (query.get("at") ?? "").trim();
  return {
    startText,
    at,
    start: startOf(startText, at),
    partition: partition === null || !/^\d+$/.test(partition) ? null : Number(partition),
    field: (query.get("in") ?? "any") as FilterField,
    filterText: query.get("filter") ?? "",
    limit: Number(query.get("limit") ?? 100) || 100,
  };
}

function startOf(kind: string, at: string): Start | string {
  if (kind === "oldest" || kind === "live") return { kind };
  if (kind === "offset") {
    return /^\d+$/.test(at) ? { kind, offset: Number(at) } : "Which offset to begin at: a whole number, 0 or more.";
  }
  if (kind === "time") {
    return Number.isNaN(Date.parse(at)) ? "Choose the time to begin at." : { kind, timestampMs: Date.parse(at) };
  }
  return { kind: "newest" };
}

/** A time as the field for it wants it: on the clock of the person. */
function localTime(at: string): string {
  const timestampMs = Date.parse(at);
  if (Number.isNaN(timestampMs)) return "";
  return new Date(timestampMs - new Date(timestampMs).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** Reads anew when a setting changes; a live tail that loses its broker begins again. */
function useReader(options: {
  readonly topic: string;
  readonly partitions: number;
  readonly settings: Settings;
  readonly run: Signal<number>;
  readonly progress: Signal<ReadProgress | null>;
  readonly problem: Signal<string | null>;
}): void {
  const { topic, partitions, settings, run, progress, problem } = options;
  const { start, partition, field, filterText, limit } = settings;
  useEffect(() => {
    if (typeof start === "string") return;
    let reader: RecordReader | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const begin = async () => {
      const all = Array.from({ length: partitions }, (_, index) => index);
      const chosen = partition === null || partition >= partitions ? all : [partition];
      try {
        const filter = parseFilter(field, filterText);
        problem.value = null;
        reader = new RecordReader({ topic, partitions: chosen, start, filter, limit }, (now) => {
          progress.value = now;
        });
        await reader.run();
      } catch (error) {
        problem.value = messageOf(error);
        if (start.kind === "live") timer = setTimeout(begin, RETRY_MS);
      }
    };
    // What is typed letter by letter is not read for letter by letter.
    timer = setTimeout(begin, filterText === "" ? 0 : 300);
    return () => {
      clearTimeout(timer);
      reader?.stop();
    };
  }, [topic, partitions, partition, JSON.stringify(start), field, filterText, limit, run.value]);
}

function Toolbar(props: {
  readonly partitions: number;
  readonly settings: Settings;
  readonly set: (changes: Readonly<Record<string, string | undefined>>) => void;
  readonly onRefresh: () => void;
  readonly children: ComponentChildren;
}) {
  const { settings, set } = props;
  return (
    <div class="toolbar messages-toolbar">
      <label>
        <span>From</span>
        <select
          name="from"
          value={settings.startText}
          onChange={(event) => set({ from: event.currentTarget.value, at: undefined })}
        >
          <option value="newest">newest</option>
          <option value="oldest">oldest</option>
          <option value="offset">offset…</option>
          <option value="time">time…</option>
          <option value="live">live</option>
        </select>
      </label>
      {settings.startText === "offset" ? (
        <label>
          <span>Offset</span>
          <input
            name="at"
            class="short"
            inputMode="numeric"
            pattern="\d+"
            placeholder="0"
            value={settings.at}
            onChange={(event) => set({ at: event.currentTarget.value })}
          />
        </label>
      ) : null}
      {settings.startText === "time" ? (
        <label>
          <span>Time</span>
          <input
            name="at"
            type="datetime-local"
            step="1"
            value={localTime(settings.at)}
            onChange={(event) => set({ at: event.currentTarget.value })}
          />
        </label>
      ) : null}
      <label>
        <span>Partition</span>
        <select
          name="partition"
          value={settings.partition ?? ""}
          onChange={(event) => set({ partition: event.currentTarget.value })}
        >
          <option value="">all, by time</option>
          {Array.from({ length: props.partitions }, (_, index) => (
            <option key={index} value={index}>
              {index}
            </option>
          ))}
        </select>
      </label>
      <label class="grow">
        <span>Filter</span>
        <span class="joined">
          <select
            name="in"
            aria-label="What to search in"
            value={settings.field}
            onChange={(event) => set({ in: event.currentTarget.value })}
          >
            <option value="any">anywhere</option>
            <option value="key">key</option>
            <option value="value">value</option>
            <option value="header">header</option>
            <option value="json">JSON path</option>
          </select>
          <input
            name="filter"
            type="search"
            data-search
            aria-label="Filter"
            placeholder={
              settings.field === "json"
                ? "order.total > 100"
                : settings.field === "header"
                  ? "name or name=value"
                  : "text"
            }
            value={settings.filterText}
            onInput={(event) => set({ filter: event.currentTarget.value })}
          />
        </span>
      </label>
      <label>
        <span>Limit</span>
        <select value={settings.limit} onChange={(event) => set({ limit: event.currentTarget.value })}>
          {LIMITS.map((limit) => (
            <option key={limit}>{limit}</option>
          ))}
        </select>
      </label>
      <Button icon="refresh" label="Read again" title="Read again" onClick={props.onRefresh} />
      {props.children}
    </div>
  );
}

function Status(props: {
  readonly progress: ReadProgress | null;
  readonly isLive: boolean;
  readonly onStop: () => void;
}) {
  const { progress, isLive } = props;
  const text = progress === null ? "Reading…" : statusText(progress, isLive);
  return (
    <p class="read-status" role="status">
      {isLive ? <i class="live-dot" /> : null} {text}
      {isLive ? (
        <Button kind="quiet" icon="stop" onClick={props.onStop}>
          Stop
        </Button>
      ) : null}
    </p>
  );
}

function statusText({ records, scanned, total, isDone, hasMore }: ReadProgress, isLive: boolean): string {
  if (isLive)
    return `Live: ${format.plural(scanned, "record")} came, the last ${format.count(records.length)} are shown.`;
  if (!isDone)
    return `Reading: ${format.plural(records.length, "record")} found in ${format.count(scanned)} of ${format.count(total)}.`;
  const found = `${format.plural(records.length, "record")}, ${format.count(scanned)} read.`;
  return hasMore ? `${found} There are more.` : found;
}

function Nothing(props: {
  readonly progress: ReadProgress | null;
  readonly isLive: boolean;
  readonly isFiltered: boolean;
}) {
  if (props.isLive && props.progress !== null) {
    return (
      <Empty icon="live" title="Waiting for records">
        What is written from now on shows up here.
      </Empty>
    );
  }
  if (props.progress?.isDone !== true)
    return (
      <div class="skeleton">
        <i />
        <i />
        <i />
      </div>
    );
  return (
    <Empty icon="messages" title={props.isFiltered ? "No record matches" : "No records here"}>
      {props.isFiltered ? "Try another filter, or begin elsewhere." : "Produce one, or begin elsewhere."}
    </Empty>
  );
}

function download(topic: string, records: readonly ConsumerRecord[]): void {
  downloadText(`${topic}.ndjson`, records.map((record) => `${toJsonLine(record)}\n`).join(""));
}

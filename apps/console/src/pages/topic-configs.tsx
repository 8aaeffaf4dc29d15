import type { ConfigEntry } from "@ottla/admin";
import { useSignal } from "@preact/signals";
import { admin } from "../app/cluster.ts";
import { type InheritedValue, inheritedBy, keysToLookUp } from "../data/inherited-config.ts";
import { clusterState } from "../data/overview.ts";
import { type Polled, usePolled } from "../data/polled.ts";
import { Badge, Button, Loaded, Panel } from "../ui/basics.tsx";
import { Field, FormDialog } from "../ui/dialog.tsx";
import * as format from "../ui/format.ts";
import { Icon } from "../ui/icons.tsx";
import { toast } from "../ui/toast.tsx";

const INTERVAL_MS = 10_000;

const SOURCES: Readonly<Record<string, string>> = {
  topic: "this topic",
  dynamicBroker: "broker, at run time",
  dynamicDefaultBroker: "all brokers, at run time",
  staticBroker: "server.properties",
  default: "default",
};

/** The configs of a topic with where they come from, in words, and editable. */
export function TopicConfigs({ topic }: { readonly topic: string }) {
  const search = useSignal("");
  const edited = useSignal<Entry | null>(null);
  const polled = usePolled(
    async (signal) => {
      const resource = { type: "topic", name: topic } as const;
      const [described] = await admin.describeConfigs([resource], {
        signal,
        includeDocumentation: true,
        includeSynonyms: true,
      });
      return withInherited(described!.entries, await brokersEntries(keysToLookUp(described!.entries), signal));
    },
    INTERVAL_MS,
    [topic],
  );
  return (
    <Loaded of={polled} what="The configs">
      {(entries) => (
        <Panel title="Configs" note={`${entries.filter(({ source }) => source === "topic").length} set on this topic`}>
          <label class="search">
            <Icon name="search" />
            <input
              type="search"
              placeholder="Search configs"
              aria-label="Search configs"
              data-search
              value={search.value}
              onInput={(event) => (search.value = event.currentTarget.value)}
            />
          </label>
          <ul class="configs">
            {ordered(entries, search.value).map((entry) => (
              <ConfigRow key={entry.key} entry={entry} onEdit={() => (edited.value = entry)} />
            ))}
          </ul>
          {edited.value === null ? null : (
            <EditConfig topic={topic} entry={edited.value} polled={polled} onClose={() => (edited.value = null)} />
          )}
        </Panel>
      )}
    </Loaded>
  );
}

/** A config with what it would be if the topic did not say. */
interface Entry extends ConfigEntry {
  readonly inherited: InheritedValue | null;
}

function withInherited(entries: readonly ConfigEntry[], brokers: readonly ConfigEntry[]): Entry[] {
  return entries.map((entry) => ({ ...entry, inherited: inheritedBy(entry, brokers) }));
}

/** Of any broker: what a topic inherits is the same on all of them, if they are set up alike. */
async function brokersEntries(keys: string[], signal: AbortSignal): Promise<readonly ConfigEntry[]> {
  if (keys.length === 0) return [];
  // What they inherit would come later, and move the rows below.
  if (clusterState.value.peek() === undefined) await clusterState.refresh();
  const broker = clusterState.value.peek()?.brokers.find(({ isFenced }) => !isFenced);
  if (broker === undefined) return [];
  const [described] = await admin.describeConfigs([{ type: "broker", name: String(broker.id), keys }], { signal });
  return described?.entries ?? [];
}

/** What is set here comes first. */
function ordered(entries: readonly Entry[], search: string): Entry[] {
  const wanted = search.toLowerCase();
  const rank = ({ source }: Entry) => (source === "topic" ? 0 : 1);
  return entries
    .filter(({ key, documentation }) => `${key} ${documentation ?? ""}`.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a) - rank(b) || (a.key < b.key ? -1 : 1));
}

function ConfigRow({ entry, onEdit }: { readonly entry: Entry; readonly onEdit: () => void }) {
  const isSet = entry.source === "topic";
  return (
    <li class={isSet ? "set" : ""}>
      <div class="config-head">
        <code>{entry.key}</code>
        <Badge tone={isSet ? "good" : "plain"}>{SOURCES[entry.source] ?? entry.source}</Badge>
        <b class="config-value">{shownValue(entry)}</b>
        <Button
          kind="quiet"
          icon="edit"
          label={`Change ${entry.key}`}
          title="Change"
          onClick={onEdit}
          disabled={entry.isReadOnly}
        />
      </div>
      <Inherited entry={entry} />
      <Documentation text={entry.documentation} />
    </li>
  );
}

/** What would hold if it were not set, unless that is what is shown anyway. */
function Inherited({ entry }: { readonly entry: Entry }) {
  if (entry.inherited === null) return null;
  const { value, source } = entry.inherited;
  const from = source === "default" ? "Default" : `Inherited (${SOURCES[source] ?? source})`;
  return (
    <p class="config-default">
      {from}: {shownValue({ ...entry, value })}
    </p>
  );
}

/** Words between backticks are values. */
function Documentation({ text }: { readonly text: string | null }) {
  const parts = (text ?? "").split("`");
  return <p>{parts.map((part, index) => (index % 2 === 0 ? part : <code key={index}>{part}</code>))}</p>;
}

function shownValue({ key, value, isSensitive }: Pick<ConfigEntry, "key" | "value" | "isSensitive">): string {
  if (isSensitive) return "hidden";
  if (value === null || value === "") return "not set";
  const amount = Number(value);
  if (value === "9223372036854775807") return "no limit";
  if (key.endsWith(".ms") && amount > 60_000) return `${value} (${format.duration(amount)})`;
  if (key.endsWith(".bytes") && amount > 10_000) return `${value} (${format.bytes(amount)})`;
  return value;
}

function EditConfig(props: {
  readonly topic: string;
  readonly entry: Entry;
  readonly polled: Polled<readonly Entry[]>;
  readonly onClose: () => void;
}) {
  const { topic, entry, polled } = props;
  const value = useSignal(entry.value ?? "");
  const { inherited } = entry;
  const alter = async (change: {
    readonly key: string;
    readonly operation: "set" | "delete";
    readonly value?: string;
  }) => {
    await admin.incrementalAlterConfigs([{ type: "topic", name: topic, changes: [change] }]);
    await polled.refresh();
    toast(change.operation === "set" ? `${entry.key} is ${change.value} now.` : `${entry.key} is inherited again.`);
  };
  const isReset = value.value === "" && entry.source === "topic";
  const save = () =>
    alter(isReset ? { key: entry.key, operation: "delete" } : { key: entry.key, operation: "set", value: value.value });
  return (
    <FormDialog
      title={entry.key}
      submitLabel={isReset ? "Inherit" : "Set on this topic"}
      onSubmit={save}
      onClose={props.onClose}
      canSubmit={isReset || value.value !== ""}
    >
      <Documentation text={entry.documentation} />
      <Field
        label="Value"
        hint={
          inherited === null || entry.source !== "topic"
            ? "Takes effect at once."
            : `Takes effect at once. Empty it to inherit ${inherited.value ?? "nothing"}.`
        }
      >
        {entry.value === "true" || entry.value === "false" ? (
          <select name="value" value={value.value} onChange={(event) => (value.value = event.currentTarget.value)}>
            <option>true</option>
            <option>false</option>
            {entry.source === "topic" ? <option value="">inherit</option> : null}
          </select>
        ) : (
          <input
            name="value"
            autocomplete="off"
            value={value.value}
            onInput={(event) => (value.value = event.currentTarget.value)}
          />
        )}
      </Field>
    </FormDialog>
  );
}

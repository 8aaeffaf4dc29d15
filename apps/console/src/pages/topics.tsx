import { useSignal } from "@preact/signals";
import { admin } from "../app/cluster.ts";
import { hrefOf, navigate, replaceQuery, route } from "../app/router.ts";
import type { TopicTraffic } from "../data/broker-state.ts";
import { askBrokers } from "../data/brokers.ts";
import { clusterState } from "../data/overview.ts";
import { usePolled } from "../data/polled.ts";
import { SummedRates } from "../data/rates.ts";
import { type TopicFacts, topicFacts } from "../data/summary.ts";
import { isCount, PARTITIONS_MAX, REPLICAS_MAX, retentionMsOf } from "../topics/new-topic.ts";
import { Badge, Button, Empty, Loaded, PageHead } from "../ui/basics.tsx";
import { Field, FormDialog } from "../ui/dialog.tsx";
import * as format from "../ui/format.ts";
import { Icon } from "../ui/icons.tsx";
import { toast } from "../ui/toast.tsx";
import { VirtualTable } from "../ui/virtual-list.tsx";

const RATES_INTERVAL_MS = 2_000;

/** A topic as the list shows it. */
interface Row {
  readonly name: string;
  readonly isInternal: boolean;
  readonly partitions: number;
  readonly replicas: number;
  readonly isUnderReplicated: boolean;
  readonly sizeBytes: number;
  readonly recordsPerSecond: number | undefined;
  readonly bytesOutPerSecond: number | undefined;
}

type SortKey = "name" | "partitions" | "sizeBytes" | "recordsPerSecond" | "bytesOutPerSecond";

/** All topics, however many: searched, sorted, with sizes and rates. */
export function TopicsPage() {
  const query = route.value.query;
  const search = query.get("q") ?? "";
  const showInternal = query.get("internal") === "1";
  const sort = (query.get("sort") ?? "name") as SortKey;
  const isCreating = query.get("new") === "1";
  const rates = useTopicRates();
  const set = (changes: Readonly<Record<string, string | undefined>>) =>
    replaceQuery({ ...Object.fromEntries(route.peek().query), ...changes });
  const facts = topicFacts.value.value;
  const shown = facts === undefined ? [] : rowsOf(facts, rates, { search, showInternal, sort });
  return (
    <>
      <PageHead
        title="Topics"
        about={
          facts === undefined
            ? "\u00a0"
            : `${format.count(shown.length)} of ${format.plural(facts.topics.length, "topic")}`
        }
      >
        <Button icon="plus" kind="primary" onClick={() => set({ new: "1" })}>
          New topic
        </Button>
      </PageHead>
      <div class="toolbar">
        <label class="search">
          <Icon name="search" />
          <input
            type="search"
            placeholder="Search topics"
            aria-label="Search topics"
            data-search
            value={search}
            onInput={(event) => set({ q: event.currentTarget.value })}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={showInternal}
            onChange={(event) => set({ internal: event.currentTarget.checked ? "1" : undefined })}
          />
          Internal topics
        </label>
      </div>
      <Loaded of={topicFacts} what="The topics">
        {() => (
          <VirtualTable
            label="Topics"
            rows={shown}
            rowHeight={46}
            columns="minmax(180px, 3fr) 90px 80px 110px 120px 120px"
            keyOf={({ name }) => name}
            onOpen={({ name }) => navigate(["topics", name])}
            head={HEADS.map(([key, title]) => (
              <SortButton
                key={title}
                title={title}
                isCurrent={key === sort}
                onClick={key && (() => set({ sort: key === "name" ? undefined : key }))}
              />
            ))}
            render={cellsOf}
            empty={<NoTopics search={search} />}
          />
        )}
      </Loaded>
      {isCreating ? <CreateTopic onClose={() => set({ new: undefined })} /> : null}
    </>
  );
}

const HEADS: readonly (readonly [key: SortKey | null, title: string])[] = [
  ["name", "Topic"],
  ["partitions", "Partitions"],
  [null, "Replicas"],
  ["sizeBytes", "Size"],
  ["recordsPerSecond", "Written /s"],
  ["bytesOutPerSecond", "Read /s"],
];

function SortButton(props: {
  readonly title: string;
  readonly isCurrent: boolean;
  readonly onClick: (() => void) | null;
}) {
  if (props.onClick === null) return <span>{props.title}</span>;
  return (
    <button type="button" class={`sort ${props.isCurrent ? "current" : ""}`} onClick={props.onClick}>
      {props.title}
    </button>
  );
}

function cellsOf(row: Row) {
  return [
    <a key="name" class="topic-name" href={hrefOf(["topics", row.name])}>
      {row.name} {row.isInternal ? <Badge>internal</Badge> : null}
    </a>,
    format.count(row.partitions),
    <span key="replicas" class={row.isUnderReplicated ? "bad-text" : ""}>
      {row.replicas}
      {row.isUnderReplicated ? " !" : ""}
    </span>,
    format.bytes(row.sizeBytes),
    format.perSecond(row.recordsPerSecond),
    row.bytesOutPerSecond === undefined ? "–" : format.bytes(row.bytesOutPerSecond),
  ];
}

function NoTopics({ search }: { readonly search: string }) {
  if (search !== "") {
    return (
      <Empty icon="search" title={`No topic is called anything like "${search}"`}>
        Internal topics are shown where the box is ticked.
      </Empty>
    );
  }
  return (
    <Empty icon="topics" title="No topics yet">
      Make one here, with <code>ottla topics create orders</code>, or by producing to a topic that is not there.
    </Empty>
  );
}

function rowsOf(
  { topics, sizes, isUnderReplicated }: TopicFacts,
  rates: (name: string, what: "records" | "bytesOut") => number | undefined,
  options: { readonly search: string; readonly showInternal: boolean; readonly sort: SortKey },
): Row[] {
  const wanted = options.search.toLowerCase();
  const rows = topics
    .filter(({ name, isInternal }) => (options.showInternal || !isInternal) && name.toLowerCase().includes(wanted))
    .map(
      ({ name, isInternal, partitions }): Row => ({
        ...{ name, isInternal },
        partitions: partitions.length,
        replicas: partitions[0]?.replicas.length ?? 0,
        isUnderReplicated: partitions.some((partition) => isUnderReplicated(name, partition)),
        sizeBytes: sizes.get(name) ?? 0,
        recordsPerSecond: rates(name, "records"),
        bytesOutPerSecond: rates(name, "bytesOut"),
      }),
    );
  if (options.sort === "name") return rows.sort((a, b) => (a.name < b.name ? -1 : 1));
  const key = options.sort;
  return rows.sort((a, b) => (b[key] ?? 0) - (a[key] ?? 0) || (a.name < b.name ? -1 : 1));
}

/** Each broker counts for the partitions that it leads. */
function useTopicRates() {
  const records = useSignal(new SummedRates()).peek();
  const bytesOut = useSignal(new SummedRates()).peek();
  const polled = usePolled(async (signal) => {
    const traffic = await askBrokers<TopicTraffic>("topics", clusterState.value.peek()?.brokers ?? [], signal);
    const countersOf = (column: 1 | 3) =>
      traffic.map(({ nodeId, atMs, topics }) => {
        return { nodeId, atMs, counters: new Map(topics.map((row) => [row[0], row[column]])) };
      });
    records.update(countersOf(1));
    bytesOut.update(countersOf(3));
    return traffic;
  }, RATES_INTERVAL_MS);
  polled.value.value;
  return (name: string, what: "records" | "bytesOut") => (what === "records" ? records : bytesOut).of(name);
}

const NAME = /^[a-zA-Z0-9._-]{1,249}$/;
const countHint = (max: number) => `A whole number from 1 to ${format.count(max)}.`;

function CreateTopic({ onClose }: { readonly onClose: () => void }) {
  const name = useSignal("");
  const partitions = useSignal("");
  const replication = useSignal("");
  const retention = useSignal("");
  const policy = useSignal("");
  const isNameWrong = name.value !== "" && (!NAME.test(name.value) || name.value === "." || name.value === "..");
  const isPartitionsRight = isCount(partitions.value, PARTITIONS_MAX);
  const isReplicationRight = isCount(replication.value, REPLICAS_MAX);
  const retentionMs = retention.value === "" ? undefined : retentionMsOf(retention.value);
  const isRight = isPartitionsRight && isReplicationRight && retentionMs !== null;
  const create = async () => {
    const configs = {
      ...(typeof retentionMs === "number" && { "retention.ms": retentionMs }),
      ...(policy.value !== "" && { "cleanup.policy": policy.value }),
    };
    const [created] = await admin.createTopics([
      {
        name: name.value,
        configs,
        ...(partitions.value !== "" && { partitions: Number(partitions.value) }),
        ...(replication.value !== "" && { replicationFactor: Number(replication.value) }),
      },
    ]);
    await topicFacts.refresh();
    toast(`Topic ${name.value} has ${format.plural(created?.partitions ?? 0, "partition")}.`);
    navigate(["topics", name.value]);
  };
  return (
    <FormDialog
      title="New topic"
      submitLabel="Create"
      onSubmit={create}
      onClose={onClose}
      canSubmit={name.value !== "" && !isNameWrong && isRight}
    >
      <Field
        label="Name"
        error={isNameWrong ? "Letters, digits, . _ and - are possible, 249 of them at most." : null}
        hint="Cannot be changed later."
      >
        <input
          name="name"
          required
          autocomplete="off"
          value={name.value}
          onInput={(event) => (name.value = event.currentTarget.value)}
        />
      </Field>
      <div class="two">
        <Field
          label="Partitions"
          hint="The broker's default where empty. Can grow, never shrink."
          error={isPartitionsRight ? null : countHint(PARTITIONS_MAX)}
        >
          <input
            name="partitions"
            inputMode="numeric"
            value={partitions.value}
            onInput={(event) => (partitions.value = event.currentTarget.value)}
          />
        </Field>
        <Field
          label="Replication factor"
          hint="The default where empty."
          error={isReplicationRight ? null : countHint(REPLICAS_MAX)}
        >
          <input
            name="replication"
            inputMode="numeric"
            value={replication.value}
            onInput={(event) => (replication.value = event.currentTarget.value)}
          />
        </Field>
      </div>
      <div class="two">
        <Field
          label="Retention in hours"
          hint="Older records go. The default where empty."
          error={retentionMs === null ? "A number above 0, such as 0.5 or 168." : null}
        >
          <input
            name="retention"
            inputMode="decimal"
            value={retention.value}
            onInput={(event) => (retention.value = event.currentTarget.value)}
          />
        </Field>
        <Field label="Cleanup policy" hint="Compaction keeps the last record of each key.">
          <select value={policy.value} onChange={(event) => (policy.value = event.currentTarget.value)}>
            <option value="">default</option>
            <option value="delete">delete</option>
            <option value="compact">compact</option>
            <option value="compact,delete">compact and delete</option>
          </select>
        </Field>
      </div>
    </FormDialog>
  );
}

import type { TopicDescription } from "@ottla/admin";
import { useSignal } from "@preact/signals";
import { admin } from "../app/cluster.ts";
import { hrefOf, navigate, route } from "../app/router.ts";
import { endsOf, lagsOf, offsetsOf } from "../data/lag.ts";
import { type Polled, resultsWithout, usePolled } from "../data/polled.ts";
import { groupFacts, LOG_DIRS_TIMEOUT_MS, topicFacts } from "../data/summary.ts";
import { isCount, PARTITIONS_MAX } from "../topics/new-topic.ts";
import { Badge, Button, Empty, Figure, Loaded, Notice, PageHead, Panel, Skeleton, Tabs } from "../ui/basics.tsx";
import { Field, FormDialog } from "../ui/dialog.tsx";
import * as format from "../ui/format.ts";
import { later } from "../ui/later.tsx";
import { Scroll } from "../ui/scroll.tsx";
import { toast } from "../ui/toast.tsx";
import { TopicConfigs } from "./topic-configs.tsx";

/** Brings the consumer and producer with it. */
const MessagesView = later(async () => (await import("./messages.tsx")).MessagesView, <Skeleton />);

const INTERVAL_MS = 3_000;

/** A partition with its offsets and size. */
interface PartitionRow {
  readonly partition: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
  readonly begin: number;
  readonly end: number;
  readonly sizeBytes: number;
}

interface TopicState {
  readonly description: TopicDescription;
  readonly rows: readonly PartitionRow[];
  readonly directories: readonly string[];
}

/** One topic: its partitions, messages, configs and consumers. */
export function TopicPage({ name, view }: { readonly name: string; readonly view: string }) {
  const dialog = useSignal<"delete" | "grow" | "empty" | null>(null);
  const polled = usePolled((signal) => readTopic(name, signal), INTERVAL_MS, [name]);
  const tabs = [
    { name: "messages", label: "Messages", href: hrefOf(["topics", name]) },
    { name: "partitions", label: "Partitions", href: hrefOf(["topics", name, "partitions"]) },
    { name: "configs", label: "Configs", href: hrefOf(["topics", name, "configs"]) },
    { name: "consumers", label: "Consumers", href: hrefOf(["topics", name, "consumers"]) },
  ];
  const state = polled.value.value;
  const close = () => {
    dialog.value = null;
  };
  return (
    <>
      <PageHead
        back={{ href: hrefOf(["topics"]), label: "Topics" }}
        title={name}
        about={state === undefined ? "\u00a0" : aboutOf(state)}
      >
        <Button icon="plus" onClick={() => (dialog.value = "grow")} disabled={state === undefined}>
          Add partitions
        </Button>
        <Button onClick={() => (dialog.value = "empty")} disabled={state === undefined}>
          Delete records
        </Button>
        <Button icon="trash" kind="danger" onClick={() => (dialog.value = "delete")} disabled={state === undefined}>
          Delete
        </Button>
      </PageHead>
      <Tabs tabs={tabs} current={view} />
      {view === "configs" ? <TopicConfigs topic={name} /> : null}
      {view === "consumers" ? <TopicConsumers topic={name} /> : null}
      {view === "partitions" ? <Partitions polled={polled} /> : null}
      {view === "messages" ? (
        <Loaded of={polled} what="The topic">
          {({ description }) => (
            <MessagesView topic={name} partitions={description.partitions.length} query={route.value.query} />
          )}
        </Loaded>
      ) : null}
      {state !== undefined && dialog.value === "delete" ? <DeleteTopic state={state} onClose={close} /> : null}
      {state !== undefined && dialog.value === "grow" ? (
        <AddPartitions state={state} polled={polled} onClose={close} />
      ) : null}
      {state !== undefined && dialog.value === "empty" ? (
        <DeleteRecords state={state} polled={polled} onClose={close} />
      ) : null}
    </>
  );
}

function aboutOf({ rows }: TopicState): string {
  const records = rows.reduce((sum, { begin, end }) => sum + end - begin, 0);
  const size = rows.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return `${format.plural(rows.length, "partition")}, ${format.plural(records, "record")}, ${format.bytes(size)}`;
}

async function readTopic(name: string, signal: AbortSignal): Promise<TopicState> {
  const [description] = await admin.describeTopics([name], { signal });
  const partitions = description!.partitions.map(({ partition }) => ({ topic: name, partition }));
  const [begins, ends, dirs] = await Promise.all([
    offsetsOf(partitions, "earliest", signal),
    endsOf(partitions, signal),
    resultsWithout(admin.describeLogDirs({ signal, partitions, timeoutMs: LOG_DIRS_TIMEOUT_MS })),
  ]);
  const sizes = new Map(
    dirs.flatMap(({ replicas }) => replicas.map((replica) => [replica.partition, replica.sizeBytes])),
  );
  const rows = description!.partitions.map(({ partition, leader, leaderEpoch, replicas, inSyncReplicas }) => ({
    ...{ partition, leader, leaderEpoch, replicas, inSyncReplicas },
    begin: begins.get(`${name}-${partition}`) ?? 0,
    end: ends.get(`${name}-${partition}`) ?? 0,
    sizeBytes: sizes.get(partition) ?? 0,
  }));
  return { description: description!, rows, directories: dirs.map(({ broker, path }) => `broker ${broker}: ${path}`) };
}

function Partitions({ polled }: { readonly polled: Polled<TopicState> }) {
  return (
    <Loaded of={polled} what="The partitions">
      {({ rows, directories }) => (
        <Panel title="Partitions" note={directories.join(", ")}>
          <Scroll>
            <table>
              <thead>
                <tr>
                  <th>Partition</th>
                  <th>Leader</th>
                  <th>Replicas</th>
                  <th class="number">First offset</th>
                  <th class="number">Next offset</th>
                  <th class="number">Records</th>
                  <th class="number">Size on disk</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr key={row.partition}>
                    <td>{row.partition}</td>
                    <td>{row.leader < 0 ? <Badge tone="bad">none</Badge> : `broker ${row.leader}`}</td>
                    <td>
                      {row.replicas.map((replica) => (
                        <Badge key={replica} tone={row.inSyncReplicas.includes(replica) ? "good" : "bad"}>
                          {replica}
                        </Badge>
                      ))}
                    </td>
                    <td class="number">{format.count(row.begin)}</td>
                    <td class="number">{format.count(row.end)}</td>
                    <td class="number">{format.count(row.end - row.begin)}</td>
                    <td class="number">{format.bytes(row.sizeBytes)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </Panel>
      )}
    </Loaded>
  );
}

function TopicConsumers({ topic }: { readonly topic: string }) {
  const polled = usePolled(
    async (signal) => {
      // Else nobody would seem to read it.
      if (groupFacts.value.peek() === undefined) await groupFacts.refresh();
      const groups = groupFacts.value.peek();
      if (groups === undefined) throw new Error(groupFacts.error.peek() ?? "The groups are not known yet.");
      const reading = groups.filter(({ topics }) => topics.includes(topic));
      return await lagsOf(
        reading.map(({ groupId }) => groupId),
        signal,
      );
    },
    INTERVAL_MS,
    [topic],
  );
  return (
    <Loaded of={polled} what="The consumers">
      {(lags) =>
        lags.length === 0 ? (
          <Empty icon="groups" title="No group reads this topic">
            Consumers without a group are not known to the broker. <code>ottla consume {topic} --group mine</code> makes
            one.
          </Empty>
        ) : (
          <Panel title="Groups that read this topic">
            <table>
              <thead>
                <tr>
                  <th>Group</th>
                  <th class="number">Partitions</th>
                  <th class="number">Lag</th>
                </tr>
              </thead>
              <tbody>
                {lags.map(({ groupId, partitions }) => {
                  const own = partitions.filter((partition) => partition.topic === topic);
                  return (
                    <tr key={groupId}>
                      <td>
                        <a href={hrefOf(["groups", groupId])}>{groupId}</a>
                      </td>
                      <td class="number">{own.length}</td>
                      <td class="number">{format.count(own.reduce((sum, { lag }) => sum + lag, 0))}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </Panel>
        )
      }
    </Loaded>
  );
}

interface ChangeProps {
  readonly state: TopicState;
  readonly polled: Polled<TopicState>;
  readonly onClose: () => void;
}

function DeleteTopic({ state, onClose }: Omit<ChangeProps, "polled">) {
  const typed = useSignal("");
  const { name } = state.description;
  const readers = (groupFacts.value.value ?? []).filter(
    ({ topics, membersCount }) => membersCount > 0 && topics.includes(name),
  );
  const remove = async () => {
    await admin.deleteTopics([name]);
    toast(`Topic ${name} is deleted.`);
    navigate(["topics"]);
    await topicFacts.refresh();
  };
  return (
    <FormDialog
      title={`Delete ${name}?`}
      submitLabel="Delete the topic"
      isDanger
      onSubmit={remove}
      onClose={onClose}
      canSubmit={typed.value === name}
    >
      <p>
        This deletes all {aboutOf(state)}, for good. Producers that go on writing may create it again, empty, where
        auto.create.topics.enable allows it.
      </p>
      {readers.length === 0 ? null : (
        <Notice tone="warn">It is being read by {readers.map(({ groupId }) => groupId).join(", ")}.</Notice>
      )}
      <Field label="Type the topic's name to confirm">
        <input
          name="confirm"
          autocomplete="off"
          value={typed.value}
          onInput={(event) => (typed.value = event.currentTarget.value)}
        />
      </Field>
    </FormDialog>
  );
}

function AddPartitions({ state, polled, onClose }: ChangeProps) {
  const now = state.rows.length;
  const wanted = useSignal(String(now + 1));
  const count = Number(wanted.value);
  const isGood = wanted.value !== "" && isCount(wanted.value, PARTITIONS_MAX) && count > now;
  const grow = async () => {
    await admin.createPartitions([{ topic: state.description.name, count }]);
    toast(`The topic has ${format.plural(count, "partition")} now.`);
    await Promise.all([polled.refresh(), topicFacts.refresh()]);
  };
  return (
    <FormDialog
      title="Add partitions"
      submitLabel={isGood ? `Grow to ${count}` : "Grow"}
      onSubmit={grow}
      onClose={onClose}
      canSubmit={isGood}
    >
      <p>
        New records are spread over more partitions. Keys move: records of one key that are written from now on may go
        to another partition than those before, so their order is lost across the change. A topic cannot shrink again.
      </p>
      <Field label={`Partitions (now ${now})`} error={isGood ? null : `A whole number above ${now} is needed.`}>
        <input
          name="count"
          inputMode="numeric"
          value={wanted.value}
          onInput={(event) => (wanted.value = event.currentTarget.value)}
        />
      </Field>
    </FormDialog>
  );
}

function DeleteRecords({ state, polled, onClose }: ChangeProps) {
  const { name } = state.description;
  const records = state.rows.reduce((sum, { begin, end }) => sum + end - begin, 0);
  const empty = async () => {
    await admin.deleteRecords(
      state.rows.map(({ partition }) => ({ topic: name, partition, beforeOffset: "latest" as const })),
    );
    toast("The records are deleted.");
    await polled.refresh();
  };
  return (
    <FormDialog
      title={`Delete the records of ${name}?`}
      submitLabel={`Delete ${format.plural(records, "record")}`}
      isDanger
      onSubmit={empty}
      onClose={onClose}
    >
      <div class="figures">
        {state.rows.slice(0, 6).map(({ partition, begin, end }) => (
          <Figure
            key={partition}
            label={`Partition ${partition}`}
            value={format.count(end - begin)}
            note={`${format.count(begin)} to ${format.count(end)}`}
          />
        ))}
      </div>
      <p>
        All records that are there now go, for good; the topic, its configs and offsets stay. Groups that have not read
        them go on at the end.
      </p>
    </FormDialog>
  );
}

import type { GroupDescription } from "@ottla/admin";
import { computed, type Signal, useComputed, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { admin } from "../app/cluster.ts";
import { hrefOf, navigate } from "../app/router.ts";
import { lagsOf, type PartitionLag } from "../data/lag.ts";
import { lagHistory, rememberLags } from "../data/lag-history.ts";
import { type Polled, usePolled } from "../data/polled.ts";
import { groupFacts } from "../data/summary.ts";
import { Series } from "../live/model/series.ts";
import { Badge, Bar, Button, Empty, Figure, Loaded, PageHead, Panel } from "../ui/basics.tsx";
import { Chart, Legend, type Line } from "../ui/chart.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import * as format from "../ui/format.ts";
import { Scroll } from "../ui/scroll.tsx";
import { StateBadge } from "../ui/state-badge.tsx";
import { toast } from "../ui/toast.tsx";
import { AssignmentPicture } from "./assignment-picture.tsx";
import { ResetOffsets } from "./reset-offsets.tsx";

const INTERVAL_MS = 2_000;

export interface GroupState {
  readonly description: GroupDescription;
  readonly partitions: readonly PartitionLag[];
  readonly lag: number;
}

/** One group: who reads what, and how far behind. */
export function GroupPage({ groupId }: { readonly groupId: string }) {
  const dialog = useSignal<"reset" | "delete" | null>(null);
  const polled = usePolled((signal) => readGroup(groupId, signal), INTERVAL_MS, [groupId]);
  const state = polled.value.value;
  const close = () => {
    dialog.value = null;
  };
  const hasMembers = (state?.description.members.length ?? 0) > 0;
  const hint = hasMembers
    ? "Stop its members first: offsets of a group that is being read cannot be changed."
    : undefined;
  return (
    <>
      <PageHead
        back={{ href: hrefOf(["groups"]), label: "Groups" }}
        title={groupId}
        about={state === undefined ? "\u00a0" : <About state={state} />}
      >
        <Button onClick={() => (dialog.value = "reset")} disabled={state === undefined || hasMembers} title={hint}>
          Reset offsets
        </Button>
        <Button
          icon="trash"
          kind="danger"
          onClick={() => (dialog.value = "delete")}
          disabled={state === undefined || hasMembers}
          title={hint}
        >
          Delete
        </Button>
      </PageHead>
      <Loaded of={polled} what="The group">
        {(loaded) => (
          <>
            <Figures state={loaded} />
            <LagOverTime groupId={groupId} />
            <AssignmentPicture members={loaded.description.members} partitions={loaded.partitions} />
            <LagTable partitions={loaded.partitions} members={loaded.description.members} />
            <Members members={loaded.description.members} />
          </>
        )}
      </Loaded>
      {state !== undefined && dialog.value === "reset" ? (
        <ResetOffsets groupId={groupId} polled={polled} partitions={state.partitions} onClose={close} />
      ) : null}
      {dialog.value === "delete" ? <DeleteGroup groupId={groupId} onClose={close} /> : null}
    </>
  );
}

async function readGroup(groupId: string, signal: AbortSignal): Promise<GroupState> {
  const [[description], [lag]] = await Promise.all([
    admin.describeGroups([groupId], { signal }),
    lagsOf([groupId], signal),
  ]);
  rememberLags([lag!], Date.now());
  return { description: description!, partitions: lag!.partitions, lag: lag!.total };
}

function About({ state: { description } }: { readonly state: GroupState }) {
  const { state, type, assignor } = description;
  return (
    <>
      <StateBadge state={state} /> {type === "consumer" ? "consumer protocol (KIP-848)" : "classic protocol"}
      {assignor === "" ? "" : `, assigned by ${assignor}`}
    </>
  );
}

function Figures({ state: { description, partitions, lag } }: { readonly state: GroupState }) {
  const worst = [...partitions].sort((a, b) => b.lag - a.lag)[0];
  const topics = new Set(partitions.map(({ topic }) => topic));
  return (
    <div class="figures">
      <Figure
        label="Lag"
        value={format.count(lag)}
        unit="records"
        tone={lag > 0 ? "plain" : "good"}
        note={lag === 0 ? "everything is read" : `${format.count(worst!.lag)} in ${worst!.topic}-${worst!.partition}`}
      />
      <Figure
        label="Members"
        value={format.count(description.members.length)}
        note={description.members.length === 0 ? "nobody reads" : "\u00a0"}
      />
      <Figure label="Partitions" value={format.count(partitions.length)} note={format.plural(topics.size, "topic")} />
    </div>
  );
}

const LAG_LINES: readonly Line[] = [{ label: "Lag", color: "line-4" }];

/** The lag since the page was opened: it is read with the list of groups, and here. */
function LagOverTime({ groupId }: { readonly groupId: string }) {
  const history = useComputed(() => lagHistory.value.get(groupId) ?? []);
  const { series, frame } = useMemo(() => lagSeries(history), [groupId]);
  return (
    <Panel
      title="Lag over time"
      note={
        history.value.length < 2
          ? "since this page is open"
          : `the last ${format.duration(Date.now() - history.value[0]!.atMs)}`
      }
    >
      <Legend frame={frame} series={series} lines={LAG_LINES} format={format.count} />
      <Chart label="Lag over time" frame={frame} series={series} lines={LAG_LINES} format={format.compact} />
    </Panel>
  );
}

function lagSeries(history: { readonly value: readonly { readonly atMs: number; readonly lag: number }[] }) {
  const series = new Series(["lag"] as const, 600);
  const frame = computed(() => {
    for (const { atMs, lag } of history.value) series.set(atMs / 1_000, { lag });
    return history.value.at(-1)?.atMs ?? 0;
  });
  return { series, frame: frame as Signal<number> };
}

function LagTable({
  partitions,
  members,
}: {
  readonly partitions: readonly PartitionLag[];
  readonly members: GroupDescription["members"];
}) {
  const most = Math.max(1, ...partitions.map(({ lag }) => lag));
  const ownerOf = ({ topic, partition }: PartitionLag) =>
    members.find(({ assignment }) => assignment.some((own) => own.topic === topic && own.partition === partition));
  return (
    <Panel title="Lag by partition">
      {partitions.length === 0 ? (
        <Empty icon="groups" title="Nothing is committed yet" />
      ) : (
        <Scroll>
          <table>
            <thead>
              <tr>
                <th>Partition</th>
                <th class="number">Committed</th>
                <th class="number">End</th>
                <th class="number">Lag</th>
                <th>
                  <span class="visually-hidden">Lag as a bar</span>
                </th>
                <th>Read by</th>
              </tr>
            </thead>
            <tbody>
              {[...partitions].sort(byName).map((row) => (
                <tr key={`${row.topic}-${row.partition}`}>
                  <td>
                    <a
                      href={hrefOf(["topics", row.topic], {
                        partition: String(row.partition),
                        from: "offset",
                        at: String(row.committed),
                      })}
                    >
                      {row.topic}-{row.partition}
                    </a>
                  </td>
                  <td class="number">{format.count(row.committed)}</td>
                  <td class="number">{format.count(row.end)}</td>
                  <td class="number">{format.count(row.lag)}</td>
                  <td class="bar-cell">
                    <Bar
                      share={row.lag / most}
                      tone={row.lag === 0 ? "good" : "warn"}
                      label={`${row.lag} of ${most}`}
                    />
                  </td>
                  <td class="muted">{ownerOf(row)?.clientId ?? "nobody"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}

function byName(a: PartitionLag, b: PartitionLag): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1;
}

function Members({ members }: { readonly members: GroupDescription["members"] }) {
  if (members.length === 0) return null;
  return (
    <Panel title="Members">
      <Scroll>
        <table>
          <thead>
            <tr>
              <th>Client</th>
              <th>Host</th>
              <th class="number">Partitions</th>
              <th>Member id</th>
            </tr>
          </thead>
          <tbody>
            {members.map((member) => (
              <tr key={member.memberId}>
                <td>
                  {member.clientId}{" "}
                  {member.groupInstanceId === null ? null : <Badge>static: {member.groupInstanceId}</Badge>}
                </td>
                <td>{member.clientHost}</td>
                <td class="number">{member.assignment.length}</td>
                <td class="muted">
                  <code>{member.memberId}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

function DeleteGroup({ groupId, onClose }: { readonly groupId: string; readonly onClose: () => void }) {
  const remove = async () => {
    await admin.deleteGroups([groupId]);
    toast(`Group ${groupId} is deleted.`);
    navigate(["groups"]);
    await groupFacts.refresh();
  };
  return (
    <FormDialog
      title={`Delete group ${groupId}?`}
      submitLabel="Delete the group"
      isDanger
      onSubmit={remove}
      onClose={onClose}
    >
      <p>
        Its committed offsets go. A consumer that comes back under this name begins where its auto.offset.reset says.
      </p>
    </FormDialog>
  );
}

export type PolledGroup = Polled<GroupState>;

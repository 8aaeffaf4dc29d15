import type { TransactionDescription } from "@ottla/admin";
import { useSignal } from "@preact/signals";
import { admin } from "../app/cluster.ts";
import { hrefOf } from "../app/router.ts";
import type { OpenTransaction, Verdict } from "../data/hung.ts";
import { abortHung, lookAtAllPartitions, openTransactions } from "../data/open-transactions.ts";
import { messageOf, type Polled, usePolled } from "../data/polled.ts";
import { Badge, Button, Empty, Loaded, Notice, PageHead, Panel, Skeleton, type Tone } from "../ui/basics.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import * as format from "../ui/format.ts";
import { Scroll } from "../ui/scroll.tsx";
import { toast } from "../ui/toast.tsx";

const INTERVAL_MS = 3_000;

/** Only so many are described. */
const DESCRIBED_MAX = 200;

const TONES: Readonly<Record<string, Tone>> = {
  Ongoing: "warn",
  PrepareCommit: "warn",
  PrepareAbort: "warn",
  CompleteCommit: "good",
  CompleteAbort: "plain",
  Empty: "plain",
};

/** Transactional ids, what they are doing, and transactions that nobody ends any more. */
export function TransactionsPage() {
  const polled = usePolled(async (signal) => {
    const listed = await admin.listTransactions({ signal });
    const ids = listed.slice(0, DESCRIBED_MAX).map(({ transactionalId }) => transactionalId);
    return {
      total: listed.length,
      described: ids.length === 0 ? [] : await admin.describeTransactions(ids, { signal }),
    };
  }, INTERVAL_MS);
  // Both at once: the one does not move the other.
  const isAwaited = [polled, openTransactions].some(
    ({ value, error }) => value.value === undefined && error.value === null,
  );
  return (
    <>
      <PageHead title="Transactions" about="Transactional ids that the coordinators know." />
      {isAwaited ? (
        <Skeleton />
      ) : (
        <>
          <Ids polled={polled} />
          <OpenInPartitions />
        </>
      )}
    </>
  );
}

interface KnownIds {
  readonly total: number;
  readonly described: readonly TransactionDescription[];
}

function Ids({ polled }: { readonly polled: Polled<KnownIds> }) {
  return (
    <Loaded of={polled} what="The transactions">
      {({ total, described }) => (
        <>
          {total > described.length ? (
            <Notice tone="plain">
              The first {described.length} of {total} are shown.
            </Notice>
          ) : null}
          <Transactions described={described} />
        </>
      )}
    </Loaded>
  );
}

function Transactions({ described }: { readonly described: readonly TransactionDescription[] }) {
  if (described.length === 0) {
    return (
      <Empty icon="transactions" title="No transactional ids">
        Producers with a <code>transactionalId</code> show up here, with their open transactions.
      </Empty>
    );
  }
  const nowMs = Date.now();
  return (
    <Panel title="Transactional ids">
      <Scroll>
        <table>
          <thead>
            <tr>
              <th>Transactional id</th>
              <th>State</th>
              <th class="number">Producer id</th>
              <th class="number">Epoch</th>
              <th class="number">Open for</th>
              <th class="number">Timeout</th>
              <th>Partitions</th>
            </tr>
          </thead>
          <tbody>
            {described.map((each) => {
              // Coordinators go on telling when the last one began, after its end.
              const openForMs = each.startTimeMs < 0 || hasEnded(each) ? null : nowMs - each.startTimeMs;
              const isLate = openForMs !== null && openForMs > each.timeoutMs;
              return (
                <tr key={each.transactionalId}>
                  <td>{each.transactionalId}</td>
                  <td>
                    <Badge tone={isLate ? "bad" : (TONES[each.state] ?? "plain")}>{each.state}</Badge>
                    {isLate ? <Badge tone="bad">late</Badge> : null}
                  </td>
                  <td class="number">{each.producerId}</td>
                  <td class="number">{each.producerEpoch}</td>
                  <td class={`number ${isLate ? "bad-text" : ""}`}>
                    {openForMs === null ? "–" : format.duration(openForMs)}
                  </td>
                  <td class="number">{format.duration(each.timeoutMs)}</td>
                  <td class="muted">
                    {each.partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(", ") || "–"}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

function hasEnded({ state }: TransactionDescription): boolean {
  return ["Empty", "CompleteCommit", "CompleteAbort", "Dead"].includes(state);
}

const VERDICT_TONES: Readonly<Record<Verdict, Tone>> = { open: "plain", late: "warn", hung: "bad" };

/** So many are listed. */
const OPEN_MAX = 200;

/** What is open in partitions, the worst first, and how a person ends what no coordinator will. */
function OpenInPartitions() {
  const problem = useSignal<string | null>(null);
  const aborted = useSignal<OpenTransaction | null>(null);
  const isBusy = useSignal(false);
  const look = async () => {
    isBusy.value = true;
    try {
      await lookAtAllPartitions();
      problem.value = null;
    } catch (error) {
      problem.value = messageOf(error);
    }
    isBusy.value = false;
  };
  return (
    <Panel title="Open transactions in partitions" note="readers of committed records wait for these">
      {problem.value === null ? null : <Notice tone="bad">{problem.value}</Notice>}
      <Loaded of={openTransactions} what="The open transactions">
        {({ open }) =>
          open.length === 0 ? (
            <Notice tone="good">No partition has an open transaction.</Notice>
          ) : (
            <OpenTable open={open} onAbort={(hung) => (aborted.value = hung)} />
          )
        }
      </Loaded>
      <div class="look-again">
        <Button icon="search" onClick={look} disabled={isBusy.value}>
          {isBusy.value ? "Looking…" : "Look in all partitions"}
        </Button>
        <LookedAt />
      </div>
      {aborted.value === null ? null : <AbortHung hung={aborted.value} onClose={() => (aborted.value = null)} />}
    </Panel>
  );
}

/** In turns: it takes a while until all have been looked at. */
function LookedAt() {
  const { value } = openTransactions.value;
  if (value === undefined) return null;
  const { looked, total } = value;
  return (
    <span class="muted">
      {looked < total
        ? `${format.count(looked)} of ${format.plural(total, "partition")} were looked at so far.`
        : `All ${format.plural(total, "partition")} are looked at, again and again.`}
    </span>
  );
}

type OnAbort = (hung: OpenTransaction) => void;

function OpenTable({ open, onAbort }: { readonly open: readonly OpenTransaction[]; readonly onAbort: OnAbort }) {
  const order: readonly Verdict[] = ["hung", "late", "open"];
  const sorted = [...open].sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  const [worst] = sorted;
  return (
    <>
      {worst?.verdict === "hung" ? <WhatHangs {...worst} /> : null}
      <Scroll>
        <table class="open-transactions">
          <thead>
            <tr>
              <th>Partition</th>
              <th>State</th>
              <th>Transactional id</th>
              <th class="number">Producer id</th>
              <th class="number">Begins at</th>
              <th class="number">Open for</th>
              <th class="number">Last record</th>
              <th>
                <span class="visually-hidden">What can be done</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {sorted.slice(0, OPEN_MAX).map((each) => (
              <OpenRow
                key={`${each.topic}-${each.partition} ${each.producerId}`}
                transaction={each}
                onAbort={onAbort}
              />
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  );
}

function OpenRow(props: { readonly transaction: OpenTransaction; readonly onAbort: OnAbort }) {
  const { transaction, onAbort } = props;
  const { topic, partition, verdict, transactionalId } = transaction;
  const { producerId, startOffset, openForMs, lastTimestampMs } = transaction;
  return (
    <tr>
      <td>
        <a href={hrefOf(["topics", topic], { partition: String(partition), from: "offset", at: String(startOffset) })}>
          {topic}-{partition}
        </a>
      </td>
      <td>
        <Badge tone={VERDICT_TONES[verdict]}>{verdict}</Badge>
      </td>
      <td class={transactionalId === null ? "muted" : ""}>{transactionalId ?? "unknown to all coordinators"}</td>
      <td class="number">{producerId}</td>
      <td class="number">{format.count(startOffset)}</td>
      <td class={`number ${verdict === "late" ? "bad-text" : ""}`}>
        {openForMs === null ? "–" : format.duration(openForMs)}
      </td>
      <td class="number">{lastTimestampMs < 0 ? "–" : `${format.duration(Date.now() - lastTimestampMs)} ago`}</td>
      <td class="number">
        {verdict === "hung" ? (
          <Button kind="danger" onClick={() => onAbort(transaction)}>
            Abort…
          </Button>
        ) : null}
      </td>
    </tr>
  );
}

function WhatHangs({ topic, partition, startOffset }: OpenTransaction) {
  return (
    <Notice tone="bad">
      <strong>
        A transaction hangs in {topic}-{partition}.
      </strong>{" "}
      No coordinator knows of it, so none will end it, and readers of committed records stop at offset{" "}
      {format.count(startOffset)}. Once its producer is gone for certain, abort it here, or with
      <code class="command">
        ottla transactions abort {topic} --partition {partition} --start-offset {startOffset}
      </code>
    </Notice>
  );
}

function AbortHung({ hung, onClose }: { readonly hung: OpenTransaction; readonly onClose: () => void }) {
  const { topic, partition, producerId, startOffset } = hung;
  const abort = async () => {
    await abortHung(hung);
    toast(`The transaction in ${topic}-${partition} is aborted.`);
  };
  return (
    <FormDialog
      title={`Abort the transaction in ${topic}-${partition}?`}
      submitLabel="Abort it"
      isDanger
      onSubmit={abort}
      onClose={onClose}
    >
      <p>
        What producer {producerId} has written there from offset {format.count(startOffset)} on stays in the log, and
        readers of committed records skip it, for good; they go on behind it. Should the producer still be alive, what
        it writes next is refused, or hangs again.
      </p>
    </FormDialog>
  );
}

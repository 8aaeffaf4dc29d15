import type { TransactionDescription } from "@ottla/admin";
import { useSignal } from "@preact/signals";
import { admin } from "../app/cluster.ts";
import { messageOf, usePolled } from "../data/polled.ts";
import { topicFacts } from "../data/summary.ts";
import { Badge, Button, Empty, Loaded, Notice, PageHead, Panel, type Tone } from "../ui/basics.tsx";
import * as format from "../ui/format.ts";

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
  return (
    <>
      <PageHead title="Transactions" about="Transactional ids that the coordinators know." />
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
      <HungTransactions />
    </>
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
      <div class="scroll">
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
              const openForMs = each.startTimeMs < 0 ? null : nowMs - each.startTimeMs;
              const isLate = openForMs !== null && openForMs > each.timeoutMs;
              return (
                <tr key={each.transactionalId}>
                  <td>{each.transactionalId}</td>
                  <td>
                    <Badge tone={isLate ? "bad" : (TONES[each.state] ?? "plain")}>{each.state}</Badge>
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
      </div>
    </Panel>
  );
}

/** A transaction that is open in a partition. */
interface OpenInPartition {
  readonly name: string;
  readonly producerId: number;
  readonly lastTimestampMs: number;
  readonly startOffset: number;
}

/** Asks every partition: too much for doing so unasked. */
function HungTransactions() {
  const found = useSignal<readonly OpenInPartition[] | null>(null);
  const problem = useSignal<string | null>(null);
  const isBusy = useSignal(false);
  const look = async () => {
    isBusy.value = true;
    try {
      const partitions = (topicFacts.value.peek()?.topics ?? []).flatMap(({ name, partitions: all }) =>
        all.map(({ partition }) => ({ topic: name, partition })),
      );
      found.value = (await admin.describeProducers(partitions)).flatMap(openOnes);
      problem.value = null;
    } catch (error) {
      problem.value = messageOf(error);
    }
    isBusy.value = false;
  };
  return (
    <Panel title="Open transactions in partitions" note="readers of committed records wait for these">
      {problem.value === null ? null : <Notice tone="bad">{problem.value}</Notice>}
      <div class="produce-more">
        <Button icon="search" onClick={look} disabled={isBusy.value}>
          {isBusy.value ? "Looking…" : "Look in all partitions"}
        </Button>
      </div>
      {found.value === null ? null : found.value.length === 0 ? (
        <Notice tone="good">No partition has an open transaction.</Notice>
      ) : (
        <table>
          <thead>
            <tr>
              <th>Partition</th>
              <th class="number">Producer id</th>
              <th class="number">Begins at</th>
              <th class="number">Last record</th>
            </tr>
          </thead>
          <tbody>
            {found.value.map(({ name, producerId, startOffset, lastTimestampMs }) => (
              <tr key={`${name} ${producerId}`}>
                <td>{name}</td>
                <td class="number">{producerId}</td>
                <td class="number">{format.count(startOffset)}</td>
                <td class="number">
                  {lastTimestampMs < 0 ? "–" : `${format.duration(Date.now() - lastTimestampMs)} ago`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function openOnes(partition: Awaited<ReturnType<typeof admin.describeProducers>>[number]): OpenInPartition[] {
  return partition.producers
    .filter(({ currentTransactionStartOffset }) => currentTransactionStartOffset >= 0)
    .map(({ producerId, lastTimestampMs, currentTransactionStartOffset }) => ({
      name: `${partition.topic}-${partition.partition}`,
      producerId,
      lastTimestampMs,
      startOffset: currentTransactionStartOffset,
    }));
}

import { hrefOf } from "../app/router.ts";
import type { BrokerState } from "../data/broker-state.ts";
import { type Concern, concernsOf } from "../data/concerns.ts";
import { readPerSecond } from "../data/group-reads.ts";
import { openTransactions } from "../data/open-transactions.ts";
import {
  brokerStates,
  bytes as bytesSeries,
  clusterState,
  frame,
  latency,
  load,
  throughput,
} from "../data/overview.ts";
import { useClusterSummary } from "../data/summary.ts";
import { totalsOf } from "../data/totals.ts";
import { Badge, Empty, Figure, Loaded, PageHead, Panel, type Tone } from "../ui/basics.tsx";
import { Chart, Legend, type Line } from "../ui/chart.tsx";
import * as format from "../ui/format.ts";
import { Icon } from "../ui/icons.tsx";

const THROUGHPUT: readonly Line[] = [
  { label: "Written", color: "line-1" },
  { label: "Read by groups", color: "line-2" },
];
const BYTES: readonly Line[] = [
  { label: "In", color: "line-1" },
  { label: "Out", color: "line-2" },
];
const LATENCY: readonly Line[] = [
  { label: "Produce p99", color: "line-1" },
  { label: "Fetch p99", color: "line-2" },
];
const LOAD: readonly Line[] = [
  { label: "Processor", color: "line-4" },
  { label: "Event loop delay", color: "line-3" },
];

const perSecond = (value: number) => format.perSecond(value);
const bytesPerSecond = (value: number) => `${format.bytes(value)}/s`;

/** How the cluster is doing, what needs attention first. */
export function OverviewPage() {
  return (
    <>
      <PageHead title="Overview" about={about()} />
      <Attention />
      <Loaded of={brokerStates} what="The broker's state" meanwhile={<Figures states={undefined} />}>
        {(states) => <Figures states={states} />}
      </Loaded>
      <div class="charts">
        <ChartPanel title="Records per second" series={throughput} lines={THROUGHPUT} format={perSecond} />
        <ChartPanel title="Bytes per second" series={bytesSeries} lines={BYTES} format={bytesPerSecond} floor={1_000} />
        <ChartPanel title="Request time" series={latency} lines={LATENCY} format={format.milliseconds} floor={1} />
        <ChartPanel
          title="Process"
          series={load}
          lines={LOAD}
          format={(value) => value.toFixed(value < 10 ? 1 : 0)}
          note={hasSeveral() ? "% of a core together, ms of the worst" : "% of a core, ms"}
        />
      </div>
      <div class="columns">
        <Brokers />
        <Requests />
      </div>
    </>
  );
}

function hasSeveral(): boolean {
  return (brokerStates.value.value?.length ?? 0) > 1;
}

/** Whose figures are missing, where a broker does not tell them to the page. */
function about(): string {
  const states = brokerStates.value.value;
  const brokers = clusterState.value.value?.brokers ?? [];
  const silent = brokers.filter(
    ({ id, isFenced }) => !isFenced && states !== undefined && !states.some(({ nodeId }) => nodeId === id),
  );
  if (silent.length === 0) return "How this cluster is doing right now.";
  const ids = silent.map(({ id }) => id).join(", ");
  return `How this cluster is doing right now, without the figures of broker ${ids}: this page does not get them.`;
}

function ChartPanel(props: {
  readonly title: string;
  readonly series: typeof throughput | typeof bytesSeries | typeof latency | typeof load;
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  readonly floor?: number;
  readonly note?: string;
}) {
  const { title, note, ...chart } = props;
  return (
    <Panel title={title} note={note}>
      <Legend frame={frame} {...chart} />
      <Chart label={title} frame={frame} {...chart} />
    </Panel>
  );
}

/** Before the first answer the figures are blank, in their places: nothing moves when they come. */
function Figures({ states }: { readonly states: readonly BrokerState[] | undefined }) {
  const summary = useClusterSummary();
  frame.value;
  const totals = states && totalsOf(states);
  const produce = totals?.apis.find(({ name }) => name === "Produce");
  const cluster = clusterState.value.value;
  const brokers = cluster?.brokers ?? [];
  const { storedBytes, usableBytes, totalBytes } = summary;
  const isTight = summary.disks.some(({ freeShare }) => freeShare < 0.1);
  return (
    <div class="figures">
      <Figure
        label="Written"
        value={format.perSecond(throughput.last("recordsIn"))}
        unit="records/s"
        note={totals && `${format.compact(totals.recordsIn)} since start`}
      />
      <Figure
        label="Read"
        value={format.perSecond(readPerSecond.value)}
        unit="records/s"
        note={summary.groups.length > 0 ? "as groups commit" : totals && "no groups"}
      />
      <Figure
        label="In"
        value={format.bytes(bytesSeries.last("in"))}
        unit="/s"
        note={totals && `${format.bytes(totals.bytesIn)} since start`}
      />
      <Figure
        label="Out"
        value={format.bytes(bytesSeries.last("out"))}
        unit="/s"
        note={totals && `${format.bytes(totals.bytesOut)} since start`}
      />
      <Figure
        label="Produce p99"
        value={format.milliseconds(produce?.p99Ms)}
        note={produce ? `p50 ${format.milliseconds(produce.p50Ms)}` : totals && "nothing was produced yet"}
      />
      <Figure
        label="Brokers"
        value={format.count(cluster && brokers.length - summary.fenced.length)}
        tone={summary.fenced.length > 0 ? "warn" : "plain"}
        note={
          summary.fenced.length > 0
            ? `${summary.fenced.length} of ${brokers.length} fenced`
            : cluster && `the controller is ${cluster.controllerId < 0 ? "nobody" : cluster.controllerId}`
        }
      />
      <Figure
        label="Stored"
        value={format.bytes(storedBytes)}
        tone={isTight ? "warn" : "plain"}
        note={totalBytes > 0 ? `${format.bytes(usableBytes)} free` : "in memory"}
      />
      <Figure
        label="Topics"
        value={format.count(summary.topics)}
        note={format.plural(summary.partitions, "partition")}
      />
      <Figure
        label="Groups"
        value={format.count(summary.groups.length)}
        note={`${format.count(summary.groups.filter(({ membersCount }) => membersCount > 0).length)} with members`}
      />
      <Figure
        label="Connections"
        value={format.count(totals?.connectionsCount)}
        note={states && `up ${format.duration(Math.min(...states.map(({ uptimeMs }) => uptimeMs)))}`}
      />
    </div>
  );
}

function Attention() {
  const summary = useClusterSummary();
  const states = brokerStates.value.value;
  // Also what takes longest to find out.
  const isAwaited = openTransactions.value.value === undefined && openTransactions.error.value === null;
  if (!summary.isLoaded || states === undefined || isAwaited) {
    return (
      <AllInAll tone="plain" title="Looking at how everything is…">
        All partitions with their leaders and replicas, all groups with their lag.
      </AllInAll>
    );
  }
  const concerns = concernsOf(summary, states, openTransactions.value.value?.open);
  if (concerns.length === 0) {
    return (
      <AllInAll tone="good" title="Everything is in order.">
        All partitions have their leaders and replicas, no group falls behind.
      </AllInAll>
    );
  }
  return (
    <section class="panel attention" aria-label="Needs attention">
      <ul class="concerns">
        {concerns.map((concern) => (
          <ConcernRow key={concern.title} {...concern} />
        ))}
      </ul>
    </section>
  );
}

/** As high as one thing that needs attention: what is below stays where it is when there is one, and when it is over. */
function AllInAll(props: { readonly tone: Tone; readonly title: string; readonly children: string }) {
  return (
    <div class={`notice attention ${props.tone}`} role="status">
      <Icon name={props.tone === "good" ? "check" : "search"} />
      <div>
        <strong>{props.title}</strong>
        <p>{props.children}</p>
      </div>
    </div>
  );
}

function ConcernRow({ tone, title, advice, path }: Concern) {
  return (
    <li class={tone}>
      <Icon name="warning" />
      <div>
        <strong>{path === undefined ? title : <a href={hrefOf(path)}>{title}</a>}</strong>
        <p>{advice}</p>
      </div>
    </li>
  );
}

function Brokers() {
  return (
    <Panel title="Brokers">
      <Loaded of={clusterState} what="The cluster">
        {({ brokers, controllerId }) => (
          <table>
            <thead>
              <tr>
                <th>Broker</th>
                <th>Address</th>
                <th>State</th>
              </tr>
            </thead>
            <tbody>
              {brokers.map(({ id, address, isFenced }) => (
                <tr key={id}>
                  <td>{id}</td>
                  <td>
                    <code>{"url" in address ? String(address.url) : `${address.host}:${address.port}`}</code>
                  </td>
                  <td>
                    <Badge tone={isFenced ? "bad" : "good"}>{isFenced ? "fenced" : "running"}</Badge>{" "}
                    {id === controllerId ? <Badge>controller</Badge> : null}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Loaded>
    </Panel>
  );
}

function Requests() {
  const apis = [...totalsOf(brokerStates.value.value ?? []).apis].sort((a, b) => b.count - a.count).slice(0, 8);
  return (
    <Panel title="Requests" note={`times of the last minutes${hasSeveral() ? ", the slowest broker's" : ""}`}>
      {apis.length === 0 ? (
        <Empty icon="clients" title="No requests yet" />
      ) : (
        <table>
          <thead>
            <tr>
              <th>API</th>
              <th class="number">Requests</th>
              <th class="number">p50</th>
              <th class="number">p99</th>
              <th class="number">p99.9</th>
            </tr>
          </thead>
          <tbody>
            {apis.map(({ name, count, p50Ms, p99Ms, p999Ms }) => (
              <tr key={name}>
                <td>{name}</td>
                <td class="number">{format.compact(count)}</td>
                <td class="number">{format.milliseconds(p50Ms)}</td>
                <td class="number">{format.milliseconds(p99Ms)}</td>
                <td class="number">{format.milliseconds(p999Ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

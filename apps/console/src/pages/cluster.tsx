import type { BrokerDescription, FeaturesDescription, LogDir } from "@ottla/admin";
import { admin } from "../app/cluster.ts";
import { hrefOf } from "../app/router.ts";
import type { ReplicationState } from "../data/broker-state.ts";
import { askBrokers } from "../data/brokers.ts";
import { clusterState } from "../data/overview.ts";
import { type Polled, usePolled } from "../data/polled.ts";
import { topicFacts } from "../data/summary.ts";
import { Badge, Bar, Loaded, Notice, PageHead, Panel, Skeleton } from "../ui/basics.tsx";
import * as format from "../ui/format.ts";
import { Scroll } from "../ui/scroll.tsx";
import { Reassignments } from "./reassignments.tsx";

const INTERVAL_MS = 10_000;
const REPLICATION_INTERVAL_MS = 2_000;

/** So many partitions that are not well are named. */
const TROUBLES_MAX = 200;

/** Brokers, where they keep their logs, and partitions that are not as they should be. */
export function ClusterPage() {
  const features = usePolled((signal) => admin.describeFeatures({ signal }), INTERVAL_MS);
  const replication = usePolled(
    (signal) => askBrokers<ReplicationState>("replication", clusterState.value.peek()?.brokers ?? [], signal),
    REPLICATION_INTERVAL_MS,
    [clusterState.value.value?.brokers.length],
  );
  const id = clusterState.value.value?.clusterId;
  // All of it at once: none of the panels moves another one.
  const isAwaited = [clusterState, topicFacts, features].some(
    ({ value, error }) => value.value === undefined && error.value === null,
  );
  return (
    <>
      <PageHead title="Cluster" about={id === undefined ? "\u00a0" : <code>{id}</code>} />
      {isAwaited ? <Skeleton /> : <Panels features={features} replication={replication.value.value ?? []} />}
    </>
  );
}

interface PanelsProps {
  readonly features: Polled<FeaturesDescription>;
  readonly replication: readonly ReplicationState[];
}

function Panels({ features, replication }: PanelsProps) {
  return (
    <>
      <Loaded of={clusterState} what="The cluster">
        {({ brokers, controllerId }) => (
          <>
            <Brokers brokers={brokers} controllerId={controllerId} />
            {brokers.length > 1 ? <Replication brokers={brokers} replication={replication} /> : null}
          </>
        )}
      </Loaded>
      <Loaded of={topicFacts} what="The log directories">
        {({ logDirs }) => (
          <>
            <LogDirs logDirs={logDirs} />
            <Reassignments />
            <Troubles underMinIsr={new Set(replication.flatMap(({ underMinIsr }) => underMinIsr))} />
          </>
        )}
      </Loaded>
      <Loaded of={features} what="The features">
        {(described) => <Features features={described} />}
      </Loaded>
    </>
  );
}

interface BrokersProps {
  readonly brokers: readonly BrokerDescription[];
  readonly controllerId: number;
}

function Brokers({ brokers, controllerId }: BrokersProps) {
  return (
    <Panel title="Brokers" note={`controller: ${controllerId < 0 ? "none" : `broker ${controllerId}`}`}>
      <Scroll>
        <table>
          <thead>
            <tr>
              <th>Broker</th>
              <th>Address</th>
              <th>Rack</th>
              <th>State</th>
              <th class="number">Leads</th>
              <th class="number">Replicas</th>
            </tr>
          </thead>
          <tbody>
            {brokers.map(({ id, address, rack, isFenced }) => (
              <tr key={id}>
                <td>{id}</td>
                <td>
                  <code>{"url" in address ? String(address.url) : `${address.host}:${address.port}`}</code>
                </td>
                <td>{rack ?? "–"}</td>
                <td>
                  <Badge tone={isFenced ? "bad" : "good"}>{isFenced ? "fenced" : "running"}</Badge>
                  {id === controllerId ? <Badge>controller</Badge> : null}
                </td>
                <td class="number">{format.count(countPartitions(({ leader }) => leader === id))}</td>
                <td class="number">{format.count(countPartitions(({ replicas }) => replicas.includes(id)))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

/** How replicas fare, as each broker tells; one that does not answer has dashes. */
function Replication({ brokers, replication }: Pick<BrokersProps, "brokers"> & Pick<PanelsProps, "replication">) {
  const byBroker = new Map(replication.map((state) => [state.nodeId, state]));
  return (
    <Panel title="Replication" note="since each broker's start">
      <Scroll>
        <table class="replication">
          <thead>
            <tr>
              <th>Broker</th>
              <th class="number">Records behind, at the most</th>
              <th class="number">Under min ISR</th>
              <th class="number">ISR shrinks</th>
              <th class="number">ISR expands</th>
              <th class="number">From leaders</th>
              <th class="number">To followers</th>
            </tr>
          </thead>
          <tbody>
            {brokers.map(({ id }) => {
              const state = byBroker.get(id);
              return (
                <tr key={id}>
                  <td>{id}</td>
                  <td class="number">{format.count(state?.maxLag)}</td>
                  <td class="number">{format.count(state?.underMinIsr.length)}</td>
                  <td class="number">{format.count(state?.isrShrinks)}</td>
                  <td class="number">{format.count(state?.isrExpands)}</td>
                  <td class="number">{format.bytes(state?.bytesIn)}</td>
                  <td class="number">{format.bytes(state?.bytesOut)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

type AnyPartition = {
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
};

function countPartitions(wanted: (partition: AnyPartition) => boolean): number | undefined {
  return topicFacts.value.value?.topics.reduce((sum, { partitions }) => sum + partitions.filter(wanted).length, 0);
}

function LogDirs({ logDirs }: { readonly logDirs: readonly LogDir[] }) {
  return (
    <Panel title="Log directories">
      <Scroll>
        <table>
          <thead>
            <tr>
              <th>Directory</th>
              <th class="number">Logs</th>
              <th class="number">Free</th>
              <th>Disk</th>
            </tr>
          </thead>
          <tbody>
            {logDirs.map(({ broker, path, totalBytes, usableBytes, replicas }) => (
              <tr key={`${broker} ${path}`}>
                <td>
                  broker {broker} <code>{path}</code>
                </td>
                <td class="number">{format.bytes(replicas.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))}</td>
                <td class="number">{format.bytes(usableBytes)}</td>
                <td class="bar-cell">
                  {totalBytes > 0 ? (
                    <Bar
                      share={1 - usableBytes / totalBytes}
                      tone={usableBytes < totalBytes * 0.1 ? "bad" : "plain"}
                      label={`${Math.round((1 - usableBytes / totalBytes) * 100)}% of the disk is used`}
                    />
                  ) : (
                    "in memory"
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

/** Partitions without a leader, or with replicas out of sync. */
function Troubles({ underMinIsr }: { readonly underMinIsr: ReadonlySet<string> }) {
  const { topics = [], isUnderReplicated = () => false } = topicFacts.value.value ?? {};
  const troubled = topics.flatMap(({ name, partitions }) =>
    partitions
      .filter((partition) => partition.leader < 0 || isUnderReplicated(name, partition))
      .map((partition) => ({ name, ...partition })),
  );
  if (troubled.length === 0)
    return <Notice tone="good">All partitions have a leader, and all replicas are in sync.</Notice>;
  return (
    <Panel title="Partitions that need attention" note={format.plural(troubled.length, "partition")}>
      <table class="troubles">
        <thead>
          <tr>
            <th>Partition</th>
            <th>Leader</th>
            <th>Replicas (in sync are green)</th>
          </tr>
        </thead>
        <tbody>
          {troubled.slice(0, TROUBLES_MAX).map(({ name, partition, leader, replicas, inSyncReplicas }) => (
            <tr key={`${name}-${partition}`}>
              <td>
                <a href={hrefOf(["topics", name, "partitions"])}>
                  {name}-{partition}
                </a>
              </td>
              <td>{leader < 0 ? <Badge tone="bad">none</Badge> : leader}</td>
              <td>
                {replicas.map((replica) => (
                  <Badge key={replica} tone={inSyncReplicas.includes(replica) ? "good" : "bad"}>
                    {replica}
                  </Badge>
                ))}
                {underMinIsr.has(`${name}-${partition}`) ? <Badge tone="bad">under min.insync.replicas</Badge> : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function Features({ features: { finalized, supported } }: { readonly features: FeaturesDescription }) {
  return (
    <Panel title="Features">
      <table>
        <thead>
          <tr>
            <th>Feature</th>
            <th class="number">In force</th>
            <th class="number">Supported</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(supported).map(([name, { minLevel, maxLevel }]) => (
            <tr key={name}>
              <td>
                <code>{name}</code>
              </td>
              <td class="number">{finalized[name]?.maxLevel ?? "off"}</td>
              <td class="number">{minLevel === maxLevel ? maxLevel : `${minLevel} to ${maxLevel}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

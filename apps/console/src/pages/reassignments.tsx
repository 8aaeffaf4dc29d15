import { admin } from "../app/cluster.ts";
import { hrefOf } from "../app/router.ts";
import { usePolled } from "../data/polled.ts";
import { progressOf, type ReassignmentState } from "../data/reassignments.ts";
import { Badge, Bar, Loaded, Panel } from "../ui/basics.tsx";
import * as format from "../ui/format.ts";

const INTERVAL_MS = 2_000;

/** So many are listed. */
const SHOWN_MAX = 200;

/** Partitions whose replicas are on their way to other brokers, and how far they are. */
export function Reassignments() {
  const polled = usePolled(reassignmentsNow, INTERVAL_MS);
  return (
    <Loaded of={polled} what="The reassignments" meanwhile={null}>
      {(ongoing) =>
        ongoing.length === 0 ? null : (
          <Panel title="Reassignments" note={format.plural(ongoing.length, "partition")}>
            <table class="reassignments">
              <thead>
                <tr>
                  <th>Partition</th>
                  <th>Replicas (those that come are green, those that go are red)</th>
                  <th class="number">Size</th>
                  <th>Copied</th>
                </tr>
              </thead>
              <tbody>
                {ongoing.slice(0, SHOWN_MAX).map((each) => (
                  <tr key={`${each.topic}-${each.partition}`}>
                    <td>
                      <a href={hrefOf(["topics", each.topic, "partitions"])}>
                        {each.topic}-{each.partition}
                      </a>
                    </td>
                    <td>
                      {each.replicas.map((replica) => (
                        <Badge key={replica} tone={toneOf(replica, each.addingReplicas, each.removingReplicas)}>
                          {replica}
                        </Badge>
                      ))}
                    </td>
                    <td class="number">{format.bytes(each.sizeBytes)}</td>
                    <td class="bar-cell">
                      <Bar share={each.share} tone="plain" label={`${Math.floor(each.share * 100)}% is copied`} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Panel>
        )
      }
    </Loaded>
  );
}

async function reassignmentsNow(signal: AbortSignal): Promise<ReassignmentState[]> {
  const ongoing = await admin.listPartitionReassignments({ signal });
  if (ongoing.length === 0) return [];
  return progressOf(ongoing, await admin.describeLogDirs({ partitions: ongoing, signal }));
}

function toneOf(replica: number, adding: readonly number[], removing: readonly number[]): "good" | "bad" | "plain" {
  if (adding.includes(replica)) return "good";
  return removing.includes(replica) ? "bad" : "plain";
}

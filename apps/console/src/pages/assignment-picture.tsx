import type { GroupDescription } from "@ottla/admin";
import type { PartitionLag } from "../data/lag.ts";
import { Panel } from "../ui/basics.tsx";

/** Colors of members, in turn; each is told by its number too. */
const HUES = 8;

/** Who reads what: a cell for each partition in the color of its member, hatched where nobody reads it. */
export function AssignmentPicture(props: {
  readonly members: GroupDescription["members"];
  readonly partitions: readonly PartitionLag[];
}) {
  const { members, partitions } = props;
  const owners = new Map(
    members.flatMap(({ assignment }, index) =>
      assignment.map(({ topic, partition }) => [`${topic}-${partition}`, index] as const),
    ),
  );
  const topics = topicsOf(members, partitions);
  if (topics.size === 0) return null;
  return (
    <Panel title="Assignment" note={`${members.length === 0 ? "no members" : "who reads which partition"}`}>
      <div class="assignment">
        {[...topics].map(([topic, numbers]) => (
          <div key={topic} class="assignment-topic">
            <span>{topic}</span>
            <ol>
              {numbers.map((partition) => (
                <Cell
                  key={partition}
                  topic={topic}
                  partition={partition}
                  owner={owners.get(`${topic}-${partition}`)}
                  members={members}
                />
              ))}
            </ol>
          </div>
        ))}
        <ol class="assignment-legend">
          {members.map(({ memberId, clientId, clientHost, assignment }, index) => (
            <li key={memberId}>
              <i class={`hue-${index % HUES}`}>{index + 1}</i>
              {clientId} <small>{clientHost}</small> <small>{assignment.length}</small>
            </li>
          ))}
        </ol>
      </div>
    </Panel>
  );
}

function Cell(props: {
  readonly topic: string;
  readonly partition: number;
  readonly owner: number | undefined;
  readonly members: GroupDescription["members"];
}) {
  const { topic, partition, owner, members } = props;
  const who = owner === undefined ? "nobody" : `member ${owner + 1}, ${members[owner]!.clientId}`;
  const label = `${topic}-${partition}: ${who}`;
  return (
    <li class={owner === undefined ? "unowned" : `hue-${owner % HUES}`} title={label}>
      <span class="visually-hidden">{label}</span>
      <b aria-hidden="true">{partition}</b>
      <small aria-hidden="true">{owner === undefined ? "–" : owner + 1}</small>
    </li>
  );
}

function topicsOf(members: GroupDescription["members"], partitions: readonly PartitionLag[]): Map<string, number[]> {
  const all = new Map<string, Set<number>>();
  for (const { topic, partition } of [...members.flatMap(({ assignment }) => assignment), ...partitions]) {
    all.set(topic, (all.get(topic) ?? new Set()).add(partition));
  }
  return new Map([...all].sort().map(([topic, numbers]) => [topic, [...numbers].sort((a, b) => a - b)]));
}

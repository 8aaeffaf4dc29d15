import type { LiveFeed } from "../feed/live-feed.ts";
import type { PageState } from "../feed/state.ts";
import { Card } from "./card.tsx";

const numbers = new Intl.NumberFormat("en");

/** This page as the broker sees it: a member of a group, and how far it has read. */
export function PartitionsCard({ state, feed }: { readonly state: PageState; readonly feed: LiveFeed }) {
  const rows = state.partitions.value;
  return (
    <Card title="This page is a consumer" className="partitions">
      <dl>
        <dt>Group</dt>
        <dd>
          <code>{feed.groupId}</code>
        </dd>
        <dt>Over</dt>
        <dd>
          <code>{feed.bootstrapServers}</code>
        </dd>
      </dl>
      {rows.length === 0 ? null : (
        <table>
          <thead>
            <tr>
              <th>Partition</th>
              <th>Next offset</th>
              <th>Lag</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ topic, partition, position, lag }) => (
              <tr key={`${topic}-${partition}`}>
                <td>
                  {topic}-{partition}
                </td>
                <td>{position === undefined ? "–" : numbers.format(position)}</td>
                <td>{lag === undefined ? "–" : numbers.format(lag)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}

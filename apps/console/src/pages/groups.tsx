import { hrefOf, navigate, replaceQuery, route } from "../app/router.ts";
import { type GroupFacts, groupFacts } from "../data/summary.ts";
import { Badge, Empty, Loaded, PageHead } from "../ui/basics.tsx";
import * as format from "../ui/format.ts";
import { Icon } from "../ui/icons.tsx";
import { StateBadge } from "../ui/state-badge.tsx";
import { VirtualTable } from "../ui/virtual-list.tsx";

/** All groups with their lag. */
export function GroupsPage() {
  const search = route.value.query.get("q") ?? "";
  const groups = groupFacts.value.value ?? [];
  const shown = groups
    .filter(({ groupId }) => groupId.toLowerCase().includes(search.toLowerCase()))
    .sort((a, b) => (b.lag ?? 0) - (a.lag ?? 0) || (a.groupId < b.groupId ? -1 : 1));
  return (
    <>
      <PageHead
        title="Groups"
        about={
          groupFacts.value.value === undefined
            ? "\u00a0"
            : `${format.count(shown.length)} of ${format.plural(groups.length, "group")}`
        }
      />
      <div class="toolbar">
        <label class="search">
          <Icon name="search" />
          <input
            type="search"
            placeholder="Search groups"
            aria-label="Search groups"
            data-search
            value={search}
            onInput={(event) => replaceQuery({ q: event.currentTarget.value })}
          />
        </label>
      </div>
      <Loaded of={groupFacts} what="The groups">
        {() => (
          <VirtualTable<GroupFacts>
            label="Groups"
            rows={shown}
            rowHeight={46}
            columns="minmax(160px, 2fr) 170px 90px 110px 90px minmax(120px, 2fr)"
            keyOf={({ groupId }) => groupId}
            onOpen={({ groupId }) => navigate(["groups", groupId])}
            head={["Group", "State", "Members", "Lag", "Read /s", "Topics"]}
            render={({ groupId, state, type, membersCount, lag, recordsPerSecond, topics }) => [
              <a key="id" href={hrefOf(["groups", groupId])}>
                {groupId}
              </a>,
              <span key="state">
                <StateBadge state={state} /> {type === "consumer" ? <Badge>KIP-848</Badge> : null}
              </span>,
              format.count(membersCount),
              lag === null ? "…" : format.count(lag),
              format.perSecond(recordsPerSecond),
              <span key="topics" class="muted">
                {topics.join(", ")}
              </span>,
            ]}
            empty={
              <Empty
                icon="groups"
                title={search === "" ? "No groups yet" : `No group is called anything like "${search}"`}
              >
                A group comes with its first consumer: <code>ottla consume orders --group billing</code>.
              </Empty>
            }
          />
        )}
      </Loaded>
    </>
  );
}

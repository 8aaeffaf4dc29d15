import { Component, type ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { messageOf } from "../data/polled.ts";
import { Empty, Notice } from "../ui/basics.tsx";
import { later } from "../ui/later.tsx";
import { hrefOf, route } from "./router.ts";
import { Shell } from "./shell.tsx";

// Each view is fetched with its address: none of them pays for the others (decision 0262).
const OverviewPage = later(async () => (await import("../pages/overview.tsx")).OverviewPage);
const TopicsPage = later(async () => (await import("../pages/topics.tsx")).TopicsPage);
const TopicPage = later(async () => (await import("../pages/topic.tsx")).TopicPage);
const GroupsPage = later(async () => (await import("../pages/groups.tsx")).GroupsPage);
const GroupPage = later(async () => (await import("../pages/group.tsx")).GroupPage);
const ClusterPage = later(async () => (await import("../pages/cluster.tsx")).ClusterPage);
const TransactionsPage = later(async () => (await import("../pages/transactions.tsx")).TransactionsPage);
const ClientsPage = later(async () => (await import("../pages/clients.tsx")).ClientsPage);
const LivePage = later(async () => (await import("../live/live-page.tsx")).LivePage);

const TOPIC_VIEWS: readonly string[] = ["messages", "partitions", "configs", "consumers"];

/** The view that the address names. */
export function App() {
  const { path } = route.value;
  useEffect(() => {
    document.title = `${path.length === 0 ? "Overview" : path.join(" / ")} – Ottla`;
  }, [path.join("/")]);
  return (
    <Shell>
      <Boundary key={path.join("/")}>
        <View path={path} />
      </Boundary>
    </Shell>
  );
}

function View({ path: [view, name, part] }: { readonly path: readonly string[] }) {
  if (view === undefined) return <OverviewPage />;
  if (view === "topics" && name === undefined) return <TopicsPage />;
  if (view === "topics" && TOPIC_VIEWS.includes(part ?? "messages")) {
    return <TopicPage key={name} name={name!} view={part ?? "messages"} />;
  }
  if (view === "groups") return name === undefined ? <GroupsPage /> : <GroupPage key={name} groupId={name} />;
  if (view === "cluster") return <ClusterPage />;
  if (view === "transactions") return <TransactionsPage />;
  if (view === "clients") return <ClientsPage />;
  if (view === "live") return <LivePage />;
  return (
    <Empty icon="search" title="There is nothing at this address">
      <a href={hrefOf([])}>Go to the overview</a>
    </Empty>
  );
}

/** An error of one view does not take the page down. */
class Boundary extends Component<{ readonly children: ComponentChildren }, { readonly problem: string | null }> {
  override state = { problem: null };

  static override getDerivedStateFromError(error: unknown) {
    return { problem: messageOf(error) };
  }

  render() {
    if (this.state.problem === null) return this.props.children;
    return <Notice tone="bad">This view has failed: {this.state.problem} Open another one, or reload the page.</Notice>;
  }
}

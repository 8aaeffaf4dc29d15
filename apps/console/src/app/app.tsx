import { Component, type ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { messageOf } from "../data/polled.ts";
import { ClientsPage } from "../pages/clients.tsx";
import { ClusterPage } from "../pages/cluster.tsx";
import { GroupPage } from "../pages/group.tsx";
import { GroupsPage } from "../pages/groups.tsx";
import { OverviewPage } from "../pages/overview.tsx";
import { TopicPage } from "../pages/topic.tsx";
import { TopicsPage } from "../pages/topics.tsx";
import { TransactionsPage } from "../pages/transactions.tsx";
import { Empty, Notice } from "../ui/basics.tsx";
import { Later } from "../ui/later.tsx";
import { hrefOf, route } from "./router.ts";
import { Shell } from "./shell.tsx";

const livePage = async () => (await import("../live/live-page.tsx")).LivePage;

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
  if (view === "live") return <Later load={livePage} props={{}} />;
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

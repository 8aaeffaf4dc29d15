import { render } from "preact";
import { App } from "./app/app.tsx";
import { closeClients } from "./app/cluster.ts";
import { listenToKeys } from "./app/keyboard.ts";
import { applyTheme } from "./app/theme.ts";
import { openTransactions } from "./data/open-transactions.ts";
import { brokerStates, clusterState } from "./data/overview.ts";
import { groupFacts, topicFacts } from "./data/summary.ts";

for (const poller of [brokerStates, clusterState, topicFacts, groupFacts, openTransactions]) poller.start();
applyTheme();
listenToKeys();
render(<App />, document.getElementById("page")!);
addEventListener("pagehide", closeClients);
// A page that comes back as it was left has closed its connections.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

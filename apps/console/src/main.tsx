import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import { LiveFeed } from "./feed/live-feed.ts";
import { createPageState } from "./feed/state.ts";
import { Page } from "./page/page.tsx";
import "./style.css";

const state = createPageState();
const feed = new LiveFeed(state, location);
render(<Page state={state} feed={feed} />, document.getElementById("page")!);
addEventListener("pagehide", () => feed.close());
// A page that comes back as it was left has closed its connections.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
void feed.run();

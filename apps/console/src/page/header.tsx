import type { PageState, Status } from "../feed/state.ts";

const numbers = new Intl.NumberFormat("en");

const TEXTS: Readonly<Record<Status["name"], string>> = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  failed: "Failed",
};

/** What this is, whether it works, and how much comes in. */
export function Header({ state }: { readonly state: PageState }) {
  const status = state.status.value;
  state.frame.value;
  return (
    <header class="top">
      <img src="/icon.svg" alt="" width="32" height="32" />
      <div>
        <h1>Ottla</h1>
        <p>A Kafka broker; this page is one of its clients, over WebSocket.</p>
      </div>
      <p class="traffic">
        <b>{numbers.format(Math.round(state.traffic.perSecond))}</b> records/s
        <small>{numbers.format(state.traffic.total)} in all</small>
      </p>
      <p class={`status ${status.name}`} role="status" title={status.name === "failed" ? status.message : undefined}>
        {TEXTS[status.name]}
      </p>
    </header>
  );
}

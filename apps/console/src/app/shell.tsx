import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { brokerState } from "../data/overview.ts";
import { groupFacts, topicFacts } from "../data/summary.ts";
import { Button } from "../ui/basics.tsx";
import { Icon, type IconName } from "../ui/icons.tsx";
import { Toasts } from "../ui/toast.tsx";
import { isHelpOpen } from "./keyboard.ts";
import { hrefOf, route } from "./router.ts";
import { status } from "./status.ts";
import { toggleTheme } from "./theme.ts";

interface Link {
  readonly path: readonly string[];
  readonly label: string;
  readonly icon: IconName;
}

const LINKS: readonly Link[] = [
  { path: [], label: "Overview", icon: "overview" },
  { path: ["topics"], label: "Topics", icon: "topics" },
  { path: ["groups"], label: "Groups", icon: "groups" },
  { path: ["cluster"], label: "Cluster", icon: "cluster" },
  { path: ["transactions"], label: "Transactions", icon: "transactions" },
  { path: ["clients"], label: "Clients", icon: "clients" },
  { path: ["live"], label: "Live demo", icon: "live" },
];

const STATUS_TEXTS = { connecting: "Connecting", connected: "Connected", reconnecting: "Reconnecting" } as const;

/** What is around every view: where one can go, and how the page stands with its broker. */
export function Shell({ children }: { readonly children: ComponentChildren }) {
  const isMenuOpen = useSignal(false);
  const current = route.value.path[0];
  useEffect(() => {
    isMenuOpen.value = false;
  }, [route.value]);
  return (
    <div class={`shell ${isMenuOpen.value ? "menu-open" : ""}`}>
      <button type="button" class="skip" onClick={skipToContent}>
        Skip to the content
      </button>
      <nav class="side" aria-label="Main">
        <div class="brand">
          <a href="#/" aria-label="Ottla, overview">
            <img src="/icon.svg" alt="" width="28" height="28" />
            <strong>Ottla</strong>
          </a>
          <Button
            kind="quiet"
            icon="menu"
            label="Menu"
            pressed={isMenuOpen.value}
            onClick={() => (isMenuOpen.value = !isMenuOpen.value)}
          />
        </div>
        <ul>
          {LINKS.map(({ path, label, icon }) => (
            <li key={label}>
              <a href={hrefOf(path)} aria-current={path[0] === current ? "page" : undefined}>
                <Icon name={icon} />
                {label}
                <Count of={path[0]} />
              </a>
            </li>
          ))}
        </ul>
        <footer>
          <StatusLine />
          <div>
            <Button kind="quiet" icon="moon" label="Light or dark" title="Light or dark (d)" onClick={toggleTheme} />
            <Button
              kind="quiet"
              label="Keyboard shortcuts"
              title="Keyboard shortcuts (?)"
              onClick={() => (isHelpOpen.value = true)}
            >
              ?
            </Button>
          </div>
        </footer>
      </nav>
      <main id="content" tabIndex={-1}>
        <LostBroker />
        {children}
      </main>
      <Toasts />
      {isHelpOpen.value ? <Help /> : null}
    </div>
  );
}

/** No link: the hash is the address of the view, and cannot be that of an element too. */
function skipToContent(): void {
  document.getElementById("content")?.focus();
}

function Count({ of }: { readonly of: string | undefined }) {
  const count =
    of === "topics"
      ? topicFacts.value.value?.topics.filter(({ isInternal }) => !isInternal).length
      : of === "groups"
        ? groupFacts.value.value?.length
        : undefined;
  return count === undefined ? null : <small>{count.toLocaleString("en")}</small>;
}

function StatusLine() {
  const { value } = status;
  return (
    <p class={`status ${value}`} role="status">
      {STATUS_TEXTS[value]}
    </p>
  );
}

/** The page goes on by itself when the broker is back. */
function LostBroker() {
  if (status.value !== "reconnecting") return null;
  return (
    <div class="notice bad" role="alert">
      <Icon name="warning" />
      <div>
        <strong>The broker does not answer.</strong> What is shown is as it was. The page goes on by itself when it is
        back.
        {brokerState.error.value === null ? "" : ` (${brokerState.error.value})`}
      </div>
    </div>
  );
}

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ["/", "search or filter"],
  ["g o", "overview"],
  ["g t", "topics"],
  ["g g", "groups"],
  ["g c", "cluster"],
  ["g x", "transactions"],
  ["g k", "clients"],
  ["g l", "live demo"],
  ["d", "light or dark"],
  ["Esc", "close what is open"],
];

function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-label="Keyboard shortcuts" onClose={() => (isHelpOpen.value = false)}>
      <form method="dialog">
        <h2>Keyboard</h2>
        <dl class="keys">
          {KEYS.map(([keys, what]) => (
            <div key={keys}>
              <dt>
                {keys.split(" ").map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <footer>
          <Button type="submit" kind="primary">
            Close
          </Button>
        </footer>
      </form>
    </dialog>
  );
}

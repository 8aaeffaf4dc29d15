import type { ComponentChildren } from "preact";
import { Button } from "../ui/basics.tsx";
import { Icon, type IconName } from "../ui/icons.tsx";

interface Link {
  readonly href: string;
  readonly view: string | undefined;
  readonly label: string;
  readonly icon: IconName;
}

const LINKS: readonly Link[] = [
  { href: "#/", view: undefined, label: "Overview", icon: "overview" },
  { href: "#/topics", view: "topics", label: "Topics", icon: "topics" },
  { href: "#/groups", view: "groups", label: "Groups", icon: "groups" },
  { href: "#/cluster", view: "cluster", label: "Cluster", icon: "cluster" },
  { href: "#/transactions", view: "transactions", label: "Transactions", icon: "transactions" },
  { href: "#/clients", view: "clients", label: "Clients", icon: "clients" },
  { href: "#/live", view: "live", label: "Live demo", icon: "live" },
];

const STATUS_TEXTS = { connecting: "Connecting", connected: "Connected", reconnecting: "Reconnecting" } as const;

/** How the page stands with its broker. */
export type Status = keyof typeof STATUS_TEXTS;

/**
 * Where one can go, and how the page stands with its broker. It depends on its properties alone: the build writes it into
 * `index.html`, so that it is there before the scripts are (`build/first-paint.ts`).
 */
export function Frame(props: {
  readonly status: Status;
  /** The first part of the address; null while nobody has read it. */
  readonly view: string | undefined | null;
  readonly isMenuOpen: boolean;
  readonly countOf: (view: string | undefined) => number | undefined;
  readonly onMenu?: () => void;
  readonly onTheme?: () => void;
  readonly onHelp?: () => void;
  readonly onSkip?: () => void;
  readonly children?: ComponentChildren;
  readonly overlays?: ComponentChildren;
}) {
  return (
    <div class={props.isMenuOpen ? "shell menu-open" : "shell"}>
      <button type="button" class="skip" onClick={props.onSkip}>
        Skip to the content
      </button>
      <nav class="side" aria-label="Main">
        <div class="brand">
          <a href="#/" aria-label="Ottla, overview">
            <img src="icon.svg" alt="" width="28" height="28" />
            <strong>Ottla</strong>
          </a>
          <Button kind="quiet" icon="menu" label="Menu" pressed={props.isMenuOpen} onClick={props.onMenu} />
        </div>
        <ul>
          {LINKS.map(({ href, view, label, icon }) => (
            <li key={label}>
              <a href={href} aria-current={view === props.view ? "page" : undefined}>
                <Icon name={icon} />
                {label}
                <Count value={props.countOf(view)} />
              </a>
            </li>
          ))}
        </ul>
        <footer>
          <p class={`status ${props.status}`} role="status">
            {STATUS_TEXTS[props.status]}
          </p>
          <div>
            <Button kind="quiet" icon="moon" label="Light or dark" title="Light or dark (d)" onClick={props.onTheme} />
            <Button kind="quiet" label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={props.onHelp}>
              ?
            </Button>
          </div>
        </footer>
      </nav>
      <main id="content" tabIndex={-1}>
        {props.children}
      </main>
      {props.overlays}
    </div>
  );
}

function Count({ value }: { readonly value: number | undefined }) {
  return value === undefined ? null : <small>{value.toLocaleString("en")}</small>;
}

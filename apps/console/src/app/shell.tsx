import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { brokerStates } from "../data/overview.ts";
import { groupFacts, topicFacts } from "../data/summary.ts";
import { Button, Notice } from "../ui/basics.tsx";
import { troubles } from "../ui/standing.ts";
import { Toasts } from "../ui/toast.tsx";
import { Frame } from "./frame.tsx";
import { isHelpOpen } from "./keyboard.ts";
import { route } from "./router.ts";
import { status } from "./status.ts";
import { toggleTheme } from "./theme.ts";

/** What is around every view: where one can go, and how the page stands with its broker. */
export function Shell({ children }: { readonly children: ComponentChildren }) {
  const isMenuOpen = useSignal(false);
  useEffect(() => {
    isMenuOpen.value = false;
  }, [route.value]);
  return (
    <Frame
      status={status.value}
      view={route.value.path[0]}
      isMenuOpen={isMenuOpen.value}
      countOf={countOf}
      onMenu={() => (isMenuOpen.value = !isMenuOpen.value)}
      onTheme={toggleTheme}
      onHelp={() => (isHelpOpen.value = true)}
      onSkip={skipToContent}
      overlays={
        <>
          <div class="over-all">
            <Troubles />
            <Toasts />
          </div>
          {isHelpOpen.value ? <Help /> : null}
        </>
      }
    >
      {children}
    </Frame>
  );
}

/** No link: the hash is the address of the view, and cannot be that of an element too. */
function skipToContent(): void {
  document.getElementById("content")?.focus();
}

function countOf(view: string | undefined): number | undefined {
  if (view === "topics") return topicFacts.value.value?.topics.filter(({ isInternal }) => !isInternal).length;
  return view === "groups" ? groupFacts.value.value?.length : undefined;
}

/** What is wrong, each thing once, whoever noticed it; nothing else where the broker is lost, of which the rest follows. */
function Troubles() {
  if (status.value === "reconnecting") return <LostBroker />;
  return (
    <>
      {[...new Set(troubles.value.map(({ text }) => text))].map((text) => (
        <Notice key={text} tone="bad">
          {text}
        </Notice>
      ))}
    </>
  );
}

/** The page goes on by itself when the broker is back. */
function LostBroker() {
  return (
    <Notice tone="bad">
      <strong>The broker does not answer.</strong> What is shown is as it was. The page goes on by itself when it is
      back.
      {brokerStates.error.value === null ? "" : ` (${brokerStates.error.value})`}
    </Notice>
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

import { signal } from "@preact/signals";
import type { Tone } from "./basics.tsx";
import { Icon } from "./icons.tsx";

const SHOWN_MS = 4_000;

const shown = signal<{ readonly text: string; readonly tone: Tone } | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

/** Says for a few seconds what has been done. */
export function toast(text: string, tone: Tone = "good"): void {
  shown.value = { text, tone };
  clearTimeout(timer);
  timer = setTimeout(() => {
    shown.value = null;
  }, SHOWN_MS);
}

export function Toasts() {
  const { value } = shown;
  return (
    <div class="toasts" role="status" aria-live="polite">
      {value === null ? null : (
        <p class={value.tone}>
          <Icon name={value.tone === "good" ? "check" : "warning"} /> {value.text}
        </p>
      )}
    </div>
  );
}

/** Copies text, and says so. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied.");
  } catch {
    toast("The browser does not let this page copy: it is not served from localhost or by TLS.", "bad");
  }
}

import { effect, signal } from "@preact/signals";

/** What the person chose; null follows the system. */
type Theme = "light" | "dark" | null;

const KEY = "ottla-theme";

export const theme = signal<Theme>(read());

/** Shows the page in the theme that was chosen, now and whenever that changes. */
export function applyTheme(): void {
  effect(() => {
    const { value } = theme;
    if (value === null) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = value;
    write(value);
  });
}

export function toggleTheme(): void {
  const isDark = theme.value === null ? matchMedia("(prefers-color-scheme: dark)").matches : theme.value === "dark";
  theme.value = isDark ? "light" : "dark";
}

/** Storage may be forbidden; the choice is then gone with the page. */
function read(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : null;
  } catch {
    return null;
  }
}

function write(value: Theme): void {
  try {
    if (value === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, value);
  } catch {
    // As above.
  }
}

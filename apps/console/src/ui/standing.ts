import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

interface Trouble {
  readonly text: string;
}

/** What is wrong now, as those say who notice it. */
export const troubles = signal<readonly Trouble[]>([]);

/**
 * Says that something is wrong for as long as it is, over the page (`app/shell.tsx` shows it): a notice among what is
 * there already would move it, and again when all is well.
 */
export function useStanding(text: string | null): void {
  useEffect(() => {
    if (text === null) return;
    const trouble = { text };
    troubles.value = [...troubles.peek(), trouble];
    return () => {
      troubles.value = troubles.peek().filter((each) => each !== trouble);
    };
  }, [text]);
}

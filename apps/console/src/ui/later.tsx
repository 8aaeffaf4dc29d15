import { useSignal } from "@preact/signals";
import type { ComponentChildren, ComponentType, FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import { messageOf } from "../data/polled.ts";
import { Notice } from "./basics.tsx";

/** How long until code that could not be fetched is asked for again: the broker may be on its way back. */
const RETRY_MS = 2_000;

/**
 * A view whose code is fetched when it is first opened; it is there at once from then on.
 * @param meanwhile what stands in its place until then
 */
export function later<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  meanwhile: ComponentChildren = null,
): FunctionComponent<Props> {
  let loaded: ComponentType<Props> | null = null;
  return function Later(props: Props) {
    const isThere = useSignal(loaded !== null);
    const problem = useSignal<string | null>(null);
    useEffect(() => {
      if (loaded !== null) return;
      let timer: ReturnType<typeof setTimeout> | undefined;
      let isGone = false;
      const attempt = async () => {
        try {
          loaded = await load();
          isThere.value = true;
        } catch (error) {
          problem.value = messageOf(error);
          if (!isGone) timer = setTimeout(attempt, RETRY_MS);
        }
      };
      void attempt();
      return () => {
        isGone = true;
        clearTimeout(timer);
      };
    }, []);
    if (isThere.value && loaded !== null) {
      const View = loaded;
      return <View {...props} />;
    }
    if (problem.value === null) return <>{meanwhile}</>;
    return (
      <Notice tone="bad">
        <strong>This view could not be loaded.</strong> {problem.value} Trying again; reload the page where that does
        not help.
      </Notice>
    );
  };
}

import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { messageOf } from "../data/polled.ts";
import { Notice } from "./basics.tsx";

/** A view whose code is fetched when it is first opened. */
export function Later<Props extends object>(options: {
  readonly load: () => Promise<ComponentType<Props>>;
  readonly props: Props;
}) {
  const loaded = useSignal<{ readonly View: ComponentType<Props> } | null>(null);
  const problem = useSignal<string | null>(null);
  useEffect(() => {
    options.load().then(
      (View) => {
        loaded.value = { View };
      },
      (error: unknown) => {
        problem.value = messageOf(error);
      },
    );
  }, []);
  if (problem.value !== null) return <Notice tone="bad">This view could not be loaded: {problem.value}</Notice>;
  if (loaded.value === null) return null;
  const { View } = loaded.value;
  return <View {...options.props} />;
}

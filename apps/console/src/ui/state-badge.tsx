import { Badge, type Tone } from "./basics.tsx";

const TONES: Readonly<Record<string, Tone>> = { Stable: "good", Empty: "plain", Dead: "plain" };

/** The state of a group. */
export function StateBadge({ state }: { readonly state: string }) {
  return <Badge tone={TONES[state] ?? "warn"}>{state}</Badge>;
}

import { useSignal } from "@preact/signals";
import type { LiveFeed } from "../feed/live-feed.ts";
import type { PageState } from "../feed/state.ts";
import { NOTES } from "../feed/topics.ts";
import type { Note } from "../model/notes.ts";
import { Card } from "./card.tsx";

interface NotesCardProps {
  readonly state: PageState;
  readonly feed: LiveFeed;
}

/** How the last note fared. */
interface Outcome {
  readonly text: string;
  readonly isError: boolean;
}

/** Writes records of one's own, and shows them as they come back from the topic. */
export function NotesCard({ state, feed }: NotesCardProps) {
  state.frame.value;
  return (
    <Card title="Write a record" topic={NOTES} className="notes">
      <NoteForm feed={feed} />
      <ol class="note-list">
        {state.notes.list.map((note) => (
          <NoteRow key={`${note.partition}-${note.offset}`} note={note} />
        ))}
      </ol>
      {state.notes.list.length === 0 ? (
        <p class="nothing">What is written to this topic, here or by any Kafka client, shows up here.</p>
      ) : null}
    </Card>
  );
}

function NoteForm({ feed }: { readonly feed: LiveFeed }) {
  const outcome = useSignal<Outcome | null>(null);
  const isBusy = useSignal(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const { key, value } = form.elements as unknown as Record<"key" | "value", HTMLInputElement>;
    isBusy.value = true;
    outcome.value = await write(feed, key.value, value.value);
    isBusy.value = false;
    if (!outcome.value.isError) value.value = "";
    value.focus();
  };
  return (
    <form onSubmit={submit}>
      <input name="key" placeholder="key, if any" aria-label="Key" autocomplete="off" />
      <input name="value" placeholder="value" aria-label="Value" autocomplete="off" required />
      <button type="submit" disabled={isBusy.value}>
        Send
      </button>
      <output class={outcome.value?.isError ? "error" : ""}>{outcome.value?.text ?? ""}</output>
    </form>
  );
}

async function write(feed: LiveFeed, key: string, value: string): Promise<Outcome> {
  try {
    const { partition, offset, elapsedMs } = await feed.write(key, value);
    const text = `Written to partition ${partition} at offset ${offset} in ${elapsedMs.toFixed(1)} ms.`;
    return { text, isError: false };
  } catch (error) {
    return { text: error instanceof Error ? error.message : String(error), isError: true };
  }
}

function NoteRow({ note: { key, value, partition, offset, timestampMs } }: { readonly note: Note }) {
  return (
    <li>
      <code class="place">
        {partition}/{offset}
      </code>
      {key === null ? null : <b>{key}</b>}
      <span>{value ?? "null"}</span>
      <time dateTime={new Date(timestampMs).toISOString()}>{new Date(timestampMs).toLocaleTimeString()}</time>
    </li>
  );
}

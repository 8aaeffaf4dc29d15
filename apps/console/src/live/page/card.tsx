import type { ComponentChildren } from "preact";

interface CardProps {
  readonly title: string;
  /** The topic that the card shows. */
  readonly topic?: string;
  /** At the right of the title. */
  readonly note?: ComponentChildren;
  readonly className?: string;
  readonly children: ComponentChildren;
}

/** A part of the page with its title. */
export function Card({ title, topic, note, className = "", children }: CardProps) {
  return (
    <section class={`card ${className}`}>
      <header>
        <h2>{title}</h2>
        {topic === undefined ? null : <code>{topic}</code>}
        <span class="note">{note}</span>
      </header>
      {children}
    </section>
  );
}

/** Stands in for a picture as long as nothing has been read. */
export function Nothing({ topic }: { readonly topic: string }) {
  return (
    <p class="nothing">
      Nothing in <code>{topic}</code> yet.
    </p>
  );
}

import type { ComponentChildren } from "preact";
import type { Polled } from "../data/polled.ts";
import { Icon, type IconName } from "./icons.tsx";
import { useStanding } from "./standing.ts";

/** Title of a view, what one can do there, and how one gets back. */
export function PageHead(props: {
  readonly title: ComponentChildren;
  readonly about?: ComponentChildren;
  readonly back?: { readonly href: string; readonly label: string };
  readonly children?: ComponentChildren;
}) {
  return (
    <header class="page-head">
      <div>
        {props.back === undefined ? null : (
          <a class="back" href={props.back.href}>
            <Icon name="back" size={14} /> {props.back.label}
          </a>
        )}
        <h1>{props.title}</h1>
        {props.about === undefined ? null : <p class="about">{props.about}</p>}
      </div>
      <div class="actions">{props.children}</div>
    </header>
  );
}

export function Panel(props: {
  readonly title?: ComponentChildren;
  readonly note?: ComponentChildren;
  readonly className?: string;
  readonly children: ComponentChildren;
}) {
  return (
    <section class={`panel ${props.className ?? ""}`}>
      {props.title === undefined ? null : (
        <header>
          <h2>{props.title}</h2>
          <span class="note">{props.note}</span>
        </header>
      )}
      {props.children}
    </section>
  );
}

/** A figure with its name. */
export function Figure(props: {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly unit?: string;
  readonly note?: ComponentChildren;
  readonly tone?: Tone;
}) {
  return (
    <div class={`figure ${props.tone ?? ""}`}>
      <span class="label">{props.label}</span>
      <span class="value">
        {props.value}
        {props.unit === undefined ? null : <small> {props.unit}</small>}
      </span>
      <span class="note">{props.note ?? "\u00a0"}</span>
    </div>
  );
}

export type Tone = "good" | "warn" | "bad" | "plain";

export function Badge({ tone = "plain", children }: { readonly tone?: Tone; readonly children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** Says what is wrong, and what one can do about it. */
export function Notice(props: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return (
    <div class={`notice ${props.tone}`} role={props.tone === "bad" ? "alert" : "status"}>
      <Icon name={props.tone === "good" ? "check" : "warning"} />
      <div>{props.children}</div>
    </div>
  );
}

export function Empty(props: {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <Icon name={props.icon} size={34} />
      <strong>{props.title}</strong>
      <p>{props.children}</p>
    </div>
  );
}

/**
 * What has been polled, once it is there; until then its place (or what stands there meanwhile), or an error in words. What
 * goes wrong later is said over the page: what was read last stays where it is.
 */
export function Loaded<T>(props: {
  readonly of: Polled<T>;
  readonly what: string;
  readonly meanwhile?: ComponentChildren;
  readonly children: (value: T) => ComponentChildren;
}) {
  const { meanwhile = <Skeleton /> } = props;
  const value = props.of.value.value;
  const error = props.of.error.value;
  useStanding(value === undefined || error === null ? null : `${props.what} could not be read. ${error} Trying again.`);
  if (value !== undefined) return <>{props.children(value)}</>;
  if (error === null) return <>{meanwhile}</>;
  return (
    <Notice tone="bad">
      <strong>{props.what} could not be read.</strong> {error} Trying again.
    </Notice>
  );
}

export function Skeleton() {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      <i />
      <i />
      <i />
    </div>
  );
}

/** A button that is busy while its task runs. */
export function Button(props: {
  readonly children?: ComponentChildren;
  readonly onClick?: () => unknown;
  readonly icon?: IconName;
  readonly kind?: "primary" | "danger" | "quiet";
  readonly type?: "button" | "submit";
  readonly disabled?: boolean;
  readonly title?: string;
  readonly label?: string;
  readonly pressed?: boolean;
}) {
  return (
    <button
      class={`button ${props.kind ?? ""}`}
      type={props.type ?? "button"}
      disabled={props.disabled}
      title={props.title}
      aria-label={props.label}
      aria-pressed={props.pressed}
      onClick={props.onClick}
    >
      {props.icon === undefined ? null : <Icon name={props.icon} size={16} />}
      {props.children}
    </button>
  );
}

/** A share of something as a bar. */
export function Bar({
  share,
  tone = "plain",
  label,
}: {
  readonly share: number;
  readonly tone?: Tone;
  readonly label: string;
}) {
  return (
    <span class={`bar ${tone}`} role="img" aria-label={label} title={label}>
      <i style={{ width: `${Math.max(0, Math.min(1, share)) * 100}%` }} />
    </span>
  );
}

/** Views of one thing, each with an address of its own. */
export function Tabs(props: {
  readonly tabs: readonly { readonly name: string; readonly label: string; readonly href: string }[];
  readonly current: string;
}) {
  return (
    <nav class="tabs" aria-label="Views">
      {props.tabs.map(({ name, label, href }) => (
        <a key={name} href={href} aria-current={name === props.current ? "page" : undefined}>
          {label}
        </a>
      ))}
    </nav>
  );
}

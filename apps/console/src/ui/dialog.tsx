import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { messageOf } from "../data/polled.ts";
import { Button, Notice } from "./basics.tsx";

/** A modal dialog with a form. Escape and a click beside it close it; the browser keeps the focus inside. */
export function FormDialog(props: {
  readonly title: string;
  readonly submitLabel: string;
  readonly isDanger?: boolean;
  readonly isWide?: boolean;
  /** False while what was typed cannot be sent. */
  readonly canSubmit?: boolean;
  /** Does it. What it throws is shown, and the dialog stays. */
  readonly onSubmit: () => Promise<void>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const error = useSignal<string | null>(null);
  const isBusy = useSignal(false);
  useEffect(() => dialog.current?.showModal(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    isBusy.value = true;
    error.value = null;
    try {
      await props.onSubmit();
      props.onClose();
    } catch (cause) {
      error.value = messageOf(cause);
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <dialog
      ref={dialog}
      class={props.isWide ? "wide" : ""}
      aria-label={props.title}
      onClose={props.onClose}
      onMouseDown={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <form onSubmit={submit}>
        <h2>{props.title}</h2>
        <div class="dialog-body">{props.children}</div>
        {error.value === null ? null : <Notice tone="bad">{error.value}</Notice>}
        <footer>
          <Button kind="quiet" onClick={() => dialog.current?.close()}>
            Cancel
          </Button>
          <Button
            type="submit"
            kind={props.isDanger ? "danger" : "primary"}
            disabled={isBusy.value || props.canSubmit === false}
          >
            {isBusy.value ? "Working…" : props.submitLabel}
          </Button>
        </footer>
      </form>
    </dialog>
  );
}

/** A field with its name, and what may be written there. */
export function Field(props: {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly error?: string | null;
  readonly children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is what it is given
    <label class="field">
      <span>{props.label}</span>
      {props.children}
      {props.error ? (
        <small class="error">{props.error}</small>
      ) : props.hint === undefined ? null : (
        <small>{props.hint}</small>
      )}
    </label>
  );
}

// A table element cannot leave out the rows that are out of sight; the links and buttons in the rows take the focus.
// biome-ignore-all lint/a11y/useSemanticElements: see above
// biome-ignore-all lint/a11y/useFocusableInteractive: see above
// biome-ignore-all lint/a11y/useKeyWithClickEvents: see above
// biome-ignore-all lint/a11y/noNoninteractiveTabindex: what scrolls is scrolled with the keyboard too
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** Rows rendered above and below what can be seen. */
const OVERSCAN = 8;

/** A table of any number of rows, all of one height, of which only those in sight are in the page. */
export function VirtualTable<Row>(props: {
  readonly label: string;
  readonly rows: readonly Row[];
  readonly rowHeight: number;
  /** CSS of the columns: `2fr 1fr 100px`. */
  readonly columns: string;
  readonly head: readonly ComponentChildren[];
  readonly keyOf: (row: Row) => string;
  readonly render: (row: Row) => readonly ComponentChildren[];
  readonly rowClass?: (row: Row) => string;
  readonly onOpen?: (row: Row) => void;
  readonly empty?: ComponentChildren;
}) {
  const viewport = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(600);
  useEffect(() => {
    const element = viewport.current!;
    const observer = new ResizeObserver(() => {
      height.value = element.clientHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const { rows, rowHeight } = props;
  const first = Math.max(0, Math.floor(top.value / rowHeight) - OVERSCAN);
  const end = Math.min(rows.length, Math.ceil((top.value + height.value) / rowHeight) + OVERSCAN);
  const style = { "--columns": props.columns, "--row-height": `${rowHeight}px` };
  return (
    <div class="virtual" role="table" aria-label={props.label} aria-rowcount={rows.length + 1} style={style}>
      <div class="virtual-head" role="row">
        {props.head.map((cell, index) => (
          <div key={index} role="columnheader">
            {cell}
          </div>
        ))}
      </div>
      <div
        class="virtual-body"
        ref={viewport}
        role="rowgroup"
        tabIndex={0}
        onScroll={(event) => {
          top.value = event.currentTarget.scrollTop;
        }}
      >
        {rows.length === 0 ? props.empty : null}
        <div role="presentation" style={{ height: `${rows.length * rowHeight}px` }}>
          <div role="presentation" style={{ transform: `translateY(${first * rowHeight}px)` }}>
            {rows.slice(first, end).map((row, index) => (
              <div
                key={props.keyOf(row)}
                class={`virtual-row ${props.rowClass?.(row) ?? ""}`}
                role="row"
                aria-rowindex={first + index + 2}
                onClick={() => props.onOpen?.(row)}
              >
                {props.render(row).map((cell, column) => (
                  <div key={column} role="cell">
                    {cell}
                  </div>
                ))}
              </div>
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}

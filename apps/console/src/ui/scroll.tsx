import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** What may be wider than the page is scrolled by itself, with the keyboard too: it takes the focus where there is more of it. */
export function Scroll({
  className = "",
  children,
}: {
  readonly className?: string;
  readonly children: ComponentChildren;
}) {
  const place = useRef<HTMLDivElement>(null);
  const hasMore = useSignal(false);
  useLayoutEffect(() => {
    const element = place.current!;
    const look = () => {
      hasMore.value = element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight;
    };
    look();
    const observer = new ResizeObserver(look);
    for (const observed of [element, ...element.children]) observer.observe(observed);
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={place} class={`scroll ${className}`} tabIndex={hasMore.value ? 0 : undefined}>
      {children}
    </div>
  );
}

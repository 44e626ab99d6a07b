// ◇ Browser-safe. What may be wider than the window: it scrolls by itself, by keys too.
import type { ComponentChildren } from "preact";

/** A region that scrolls sideways. */
export function Scroll({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys (WCAG 2.1.1)
    <section class="scroll" tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}

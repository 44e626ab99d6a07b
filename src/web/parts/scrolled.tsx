// ◇ Browser-safe. What is wider than the window, in a frame that scrolls by keys too.
import type { ComponentChildren } from "preact";

/** The frame, with a name for who cannot see it. */
export function Scrolled({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to take the focus, or keys could not scroll it
    <section class="scroll" aria-label={name} tabIndex={0}>
      {children}
    </section>
  );
}

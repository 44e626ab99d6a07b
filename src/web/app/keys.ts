// ◇ Browser-safe. What keys do: the one table that listens, and that `?` shows.
// Invariants: a key acts only where no text is typed; a view's keys go with the view; the newest of two that are the same wins.
import { useLayoutEffect } from "preact/hooks";

/** One key, or several that do the same. */
export interface Key {
  /** As KeyboardEvent.key has them, e.g. `ArrowRight`, `g`; with `Ctrl+` and `Shift+` where they are held. */
  readonly keys: readonly string[];
  /** What it does, for people. */
  readonly does: string;
  readonly run: () => void;
}

const tables: (readonly Key[])[] = [];

/** All keys that act now, those of the view first. */
export const activeKeys = (): readonly Key[] => tables.toReversed().flat();

/** Has keys act as long as the component is shown: from the moment that it is, so that a key means what is seen. */
export function useKeys(keys: readonly Key[]): void {
  useLayoutEffect(() => {
    tables.push(keys);
    return () => void tables.splice(tables.indexOf(keys), 1);
  });
}

/** Listens; once, when the page starts. */
export function listenForKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.metaKey || takesText(event.target)) return;
    const name = nameOf(event);
    if (isOwnKey(event.target, event.key)) return;
    const key = activeKeys().find(({ keys }) => keys.includes(name));
    if (key === undefined) return;
    event.preventDefault();
    key.run();
  });
}

/** The key as tables name it: Shift counts only where the key has no other character for it. */
export function nameOf({
  key,
  ctrlKey,
  shiftKey,
}: Pick<KeyboardEvent, "key" | "ctrlKey" | "shiftKey">): string {
  const shift = shiftKey && key.length > 1 ? "Shift+" : "";
  return `${ctrlKey ? "Ctrl+" : ""}${shift}${key}`;
}

const TYPED = "input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select";

/** Elements that act by keys of their own: a view's table must not take them away. */
const OWN_KEYS = [
  { elements: "button, a[href], summary, input[type=checkbox], input[type=radio]", keys: /^(Enter| )$/ },
  { elements: "input[type=range], input[type=radio]", keys: /^(Arrow|Home$|End$|Page)/ },
];

function isOwnKey(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof Element)) return false;
  return OWN_KEYS.some(({ elements, keys }) => keys.test(key) && target.closest(elements) !== null);
}

function takesText(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(TYPED) !== null;
}

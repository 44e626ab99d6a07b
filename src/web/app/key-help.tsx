// ◇ Browser-safe. All keys that act now, in a dialog.
import { useLayoutEffect, useRef } from "preact/hooks";
import { activeKeys } from "./keys.ts";

/** The dialog; Escape closes it, as the browser does with every dialog. Its button, which has the focus, is at its head: so is the view. */
export function KeyHelp({ onClose }: { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []); // with the render: Escape closes it from its first moment
  return (
    <dialog ref={dialog} aria-labelledby="keys-title" onClose={onClose}>
      <form method="dialog" class="keys-head">
        <h2 id="keys-title">Keys</h2>
        <button type="submit">Close</button>
      </form>
      <dl class="keys">
        {activeKeys().map(({ keys, does }) => (
          <div key={does}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{spoken(key)}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}

const NAMES: Readonly<Record<string, string>> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  " ": "Space",
};

const spoken = (key: string) =>
  key
    .split(/(?<=.)\+/)
    .map((part) => NAMES[part] ?? part)
    .join(" + ");

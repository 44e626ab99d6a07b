// ◇ Browser-safe. What is selected, and what may be done with it.
import { useSignal } from "@preact/signals";
import { count } from "../../report/figure-text.ts";
import { choose, useChosen } from "../app/address.ts";
import { useKeys } from "../app/keys.ts";
import { type Desk, idOf, isLinked, pick } from "./desk.ts";

/** The selection; nothing where nothing is selected. */
export function Picked({ desk }: { readonly desk: Desk }) {
  const copied = useSignal(0);
  const { size } = desk.picked.value;
  const only = useChosen("picked") !== undefined;
  const copy = async () => {
    await navigator.clipboard.writeText(Array.from(desk.picked.peek(), (row) => idOf(desk, row)).join("\n"));
    copied.value = desk.picked.peek().size;
  };
  useKeys([
    { keys: ["i"], does: "copy the ids of what is selected", run: () => void copy() },
    {
      keys: ["o"],
      does: "show only what is selected, or all",
      run: () => choose({ picked: only || size === 0 ? undefined : ["1"] }),
    },
  ]);
  if (size === 0) return null;
  return (
    <span class="pairs-picked" role="status">
      <strong>{count(size)}</strong> selected{" "}
      <button type="button" aria-pressed={only} onClick={() => choose({ picked: only ? undefined : ["1"] })}>
        Only these
      </button>{" "}
      <button type="button" onClick={copy}>
        {copied.value === size ? "Ids copied" : "Copy ids"}
      </button>{" "}
      <button type="button" onClick={() => pick(desk, new Set())}>
        Select none
      </button>
      {isLinked(desk) ? null : <span class="soft"> more than a link holds: others will not see which</span>}
    </span>
  );
}

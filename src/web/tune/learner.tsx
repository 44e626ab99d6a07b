// ◇ Browser-safe. What learns: new heads, or all layers where this browser has WebGPU; and where it has none, that it has none.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Learner } from "../../train/head/plan.ts";
import { type FoundAdapter, findAdapter } from "../adapter.ts";
import { choose, useChosen } from "../app/address.ts";
import { learnerNow } from "./form.ts";

/** What this browser has; undefined until it has said. */
const adapter = signal<FoundAdapter | undefined>(undefined);

const WORDS: Readonly<Record<Learner, string>> = {
  head: "new heads, on the backbone as it is",
  all: "all layers, with new heads",
};

/** The choice; a link that asks for all layers keeps them, and starting says why they cannot learn. */
export function LearnerChoice() {
  useChosen("learns");
  useEffect(() => {
    if (adapter.peek() !== undefined) return;
    void findAdapter().then((found) => {
      adapter.value = found;
    });
  }, []);
  const now = learnerNow();
  const offered = Object.entries(WORDS).filter(
    ([one]) => one === "head" || now === "all" || adapter.value?.runs,
  );
  return (
    <label>
      What learns{" "}
      <select
        value={now}
        onChange={({ currentTarget: { value } }) =>
          choose({ learns: value === "head" ? undefined : [value] })
        }
      >
        {offered.map(([one, words]) => (
          <option key={one} value={one}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What it means here. */
export function LearnerNote() {
  useChosen("learns");
  const found = adapter.value;
  if (found === undefined) return null;
  if (!found.runs)
    return (
      <p class="soft">
        All layers are not offered: they need WebGPU, and here is {found.words}. By WebAssembly a step takes
        30 to 240 ms for each picture of 96 px.
      </p>
    );
  if (learnerNow() === "head") return null;
  return (
    <p class="soft">
      All layers learn by {found.words}, from pictures that are mirrored, turned and recoloured anew in each
      epoch.
    </p>
  );
}

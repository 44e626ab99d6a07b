// ◇ Browser-safe. One facet: its words, each with how many pairs have it by all other filters.
// Invariant: its elements are made once for a table; a filter changes their texts, ticks and widths, and which are there.
import { effect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { address, choose } from "../app/address.ts";
import { columnOf } from "../table/column.ts";
import type { Desk } from "./desk.ts";
import { toggleValue } from "./desk.ts";
import { count, valueWords } from "./words.ts";

interface Props {
  readonly desk: Desk;
  readonly name: string;
  readonly title: string;
}

/** The facet; nothing where the table has no such column, or one word for all. */
export function Facet({ desk, name, title }: Props) {
  const box = useRef<HTMLFieldSetElement>(null);
  const words = columnOf(desk.loaded.table, name, "words")?.words;
  useLayoutEffect(
    () =>
      effect(() => {
        const set = address.value.choices[name] ?? [];
        if (box.current !== null && words !== undefined)
          renew(box.current, words, set, desk.sifted.value.count(name));
      }),
    [desk, name],
  );
  if (words === undefined || words.length < 2) return null;
  return (
    <fieldset ref={box} class="pairs-facet" data-facet={name}>
      <legend>
        {title}
        <button type="button" class="plain pairs-all" onClick={() => choose({ [name]: undefined })}>
          all<span class="sr"> of {title}</span>
        </button>
      </legend>
      <div class="pairs-values">
        {inOrder(words).map((code) => (
          <label key={code} class="pairs-value">
            <input type="checkbox" onChange={() => toggleValue(name, words[code]!)} />
            <span class="pairs-word">{valueWords(words[code]!)}</span>
            <span class="pairs-count"> </span>
            <span class="pairs-share" />
          </label>
        ))}
        <p class="soft">None by the other filters.</p>
      </div>
    </fieldset>
  );
}

/** Codes of words as they stand: what is not recorded last. */
const inOrder = (words: readonly string[]) => [...words.keys()].slice(1).concat(0);

/** Tells the elements of a facet what is set and what is counted. */
function renew(
  facet: Element,
  words: readonly string[],
  set: readonly string[],
  counts: Uint32Array | undefined,
): void {
  const [all, values] = [facet.querySelector("button")!, facet.querySelector(".pairs-values")!.children];
  const most = Math.max(1, ...(counts ?? []));
  let shown = 0;
  for (const [i, code] of inOrder(words).entries()) {
    const value = values[i] as HTMLElement;
    const [tick, , counted, share] = value.children as unknown as [
      HTMLInputElement,
      Element,
      Element,
      HTMLElement,
    ];
    const n = counts?.[code] ?? 0;
    tick.checked = set.includes(words[code]!);
    value.hidden = n === 0 && !tick.checked;
    counted.firstChild!.nodeValue = count(n);
    share.style.width = `${(100 * n) / most}%`;
    if (!value.hidden) shown++;
  }
  all.hidden = set.length === 0;
  (values[words.length] as HTMLElement).hidden = shown > 0;
}

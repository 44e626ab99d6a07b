// ◇ Browser-safe. One facet: its words, each with how many pairs have it by all other filters.
// Invariant: its elements are made once for a table; a filter changes their texts, ticks and widths, and which are there.
import { effect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { count } from "../../report/figure-text.ts";
import { address, choose } from "../app/address.ts";
import { columnOf } from "../table/column.ts";
import type { Desk } from "./desk.ts";
import { toggleValue } from "./desk.ts";
import { codesInOrder, framesOf, wordsOf } from "./words.ts";

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
  if (words === undefined || words.every((word) => word === "")) return null;
  const of = framesOf(desk, name);
  return (
    <fieldset ref={box} class="pairs-facet" data-facet={name}>
      <legend>
        <span>
          {title} {of === "" ? null : <span class="pairs-of">({of})</span>}
        </span>
        <button type="button" class="plain pairs-all" onClick={() => choose({ [name]: undefined })}>
          all<span class="sr"> of {title}</span>
        </button>
      </legend>
      <div class="pairs-values">
        {codesInOrder(words).map((code) => (
          <label key={code} class="pairs-value">
            <input type="checkbox" onChange={() => toggleValue(name, words[code]!)} />
            <span class="pairs-word">{wordsOf(name, words[code]!)}</span>
            <span class="pairs-count"> </span>
            <span class="pairs-share" />
          </label>
        ))}
        <p class="soft">None by the other filters.</p>
      </div>
    </fieldset>
  );
}

/** Tells the elements of a facet what is set and what is counted; what is as it was is left alone, as most of a long facet is. */
function renew(
  facet: Element,
  words: readonly string[],
  set: readonly string[],
  counts: Uint32Array | undefined,
): void {
  const codes = codesInOrder(words);
  const [all, values] = [facet.querySelector("button")!, facet.querySelector(".pairs-values")!.children];
  const most = Math.max(1, ...codes.map((code) => counts?.[code] ?? 0));
  let shown = 0;
  for (const [i, code] of codes.entries()) {
    const value = values[i] as HTMLElement;
    const [tick, , counted, share] = value.children as unknown as [
      HTMLInputElement,
      Element,
      Element,
      HTMLElement,
    ];
    const n = counts?.[code] ?? 0;
    const [text, width] = [count(n), `${((100 * n) / most).toFixed(1)}%`];
    tick.checked = set.includes(words[code]!);
    value.hidden = n === 0 && !tick.checked;
    const node = counted.firstChild!;
    if (node.nodeValue !== text) node.nodeValue = text;
    if (share.style.width !== width) share.style.width = width;
    if (!value.hidden) shown++;
  }
  all.hidden = set.length === 0;
  (values[codes.length] as HTMLElement).hidden = shown > 0;
}

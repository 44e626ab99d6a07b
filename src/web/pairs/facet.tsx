// ◇ Browser-safe. One facet: its words, each with how many pairs have it by all other filters.
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
  const words = columnOf(desk.loaded.table, name, "words")?.words;
  if (words === undefined || words.length < 2) return null;
  const counts = desk.sifted.value.count(name);
  const set = address.value.choices[name] ?? [];
  const most = Math.max(1, ...(counts ?? []));
  const codes = [...words.keys()]
    .slice(1)
    .concat(0)
    .filter((code) => counts?.[code] !== 0 || set.includes(words[code]!));
  return (
    <fieldset class="pairs-facet" data-facet={name}>
      <legend>
        {title}
        {set.length === 0 ? null : (
          <button type="button" class="plain pairs-all" onClick={() => choose({ [name]: undefined })}>
            all<span class="sr"> of {title}</span>
          </button>
        )}
      </legend>
      <div class="pairs-values">
        {codes.map((code) => (
          <label key={code} class="pairs-value">
            <input
              type="checkbox"
              checked={set.includes(words[code]!)}
              onChange={() => toggleValue(name, words[code]!)}
            />
            <span class="pairs-word">{valueWords(words[code]!)}</span>
            <span class="pairs-count">{count(counts?.[code] ?? 0)}</span>
            <span class="pairs-share" style={{ width: `${(100 * (counts?.[code] ?? 0)) / most}%` }} />
          </label>
        ))}
        {codes.length === 0 ? <p class="soft">None by the other filters.</p> : null}
      </div>
    </fieldset>
  );
}

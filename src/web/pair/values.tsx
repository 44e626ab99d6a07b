// ◇ Browser-safe. All that a table records of one pair; numbers that a rule judges stand beside their thresholds.

import { RULE_NAMES, type RuleName, ruleOf } from "../../derive/judge/clean.ts";
import type { Desk } from "../pairs/desk.ts";
import { plain, titleOf } from "../pairs/words.ts";
import { Scrolled } from "../parts/scrolled.tsx";
import { breaks } from "../table/rules.ts";

/** A row by its columns, as the file has them. */
export type RowValues = Readonly<Record<string, unknown>>;

interface Props {
  readonly desk: Desk;
  readonly row: number;
  readonly values: RowValues | undefined;
}

/** The table. */
export function Values({ desk, row, values }: Props) {
  if (values === undefined) return <p class="soft">Reading what is recorded …</p>;
  const entries = Object.entries(values).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  return (
    <details open class="pair-part">
      <summary>
        <h3>Recorded values</h3>
      </summary>
      <Scrolled name="Recorded values">
        <table class="pair-values">
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col">Value</th>
              <th scope="col">By the rules</th>
            </tr>
          </thead>
          <tbody>
            {entries.map(([name, value]) => (
              <tr key={name} data-column={name}>
                <th scope="row">
                  <code>{name}</code>{" "}
                  <span class="soft">
                    {titleOf(name).toLowerCase() === name.replaceAll("_", " ") ? "" : titleOf(name)}
                  </span>
                </th>
                <td class="long">{typeof value === "number" ? plain(value) : String(value)}</td>
                <td class="long">{verdictOf(desk, row, name)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolled>
    </details>
  );
}

/** What the rule that judges a column says of a row. */
function verdictOf({ loaded: { rules, base, whole } }: Desk, row: number, column: string) {
  if (base === undefined || !whole) return null;
  const name = RULE_NAMES.find((one) => (ruleOf(one).columns as readonly string[]).includes(column));
  const value = name === undefined ? Number.NaN : rules.at(name, row);
  if (name === undefined || Number.isNaN(value)) return null;
  return breaks(name, value, base) ? (
    <strong class="trouble">✗ {limitOf(name, base[name])}</strong>
  ) : (
    <span class="soft">✓ {limitOf(name, base[name])}</span>
  );
}

const limitOf = (name: RuleName, threshold: number | null) =>
  threshold === null ? `${name}: off` : `${name}: removed ${ruleOf(name).removes} ${plain(threshold)}`;

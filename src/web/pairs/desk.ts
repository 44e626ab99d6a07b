// ◇ Browser-safe. What the parts of the view share: the table behind its sieve, what is picked, which thresholds are moved.
// Invariants: the address decides; what is picked stands there too, as long as a link can hold it.
import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import {
  RULE_NAMES,
  RULES,
  type RuleName,
  type RuleSettings,
  ruleSettings,
} from "../../derive/judge/clean.ts";
import { address, type Choices, choose, chosen } from "../app/address.ts";
import { FILTERS } from "../table/choose.ts";
import { columnOf, rowsOfTexts, textAt } from "../table/column.ts";
import { changes } from "../table/rules.ts";
import type { Dataset, Loaded } from "./dataset.ts";
import { type Sifted, Sifting } from "./sift.ts";

/** Ids that a link holds. */
const LINKED = 100;

/** What the parts of the view share. */
export interface Desk {
  readonly dataset: Dataset;
  readonly loaded: Loaded;
  readonly sifting: Sifting;
  readonly sifted: ReadonlySignal<Sifted>;
  /** Rows. */
  readonly picked: Signal<ReadonlySet<number>>;
  /** Place among the rows that are shown. */
  readonly cursor: Signal<number>;
  /** Thresholds as they are moved; undefined where no rule made the table. */
  readonly moved: ReadonlySignal<RuleSettings | undefined>;
  /** By CHANGES; undefined while nothing is moved. */
  readonly changes: ReadonlySignal<Uint8Array | undefined>;
}

/** The desk of a table; `before` hands on what was picked while less of it was read. */
export function deskOf(dataset: Dataset, loaded: Loaded, before: Desk | undefined): Desk {
  const { table, copies, base, rules } = loaded;
  const sifting = new Sifting(table);
  const picked = before?.picked ?? signal<ReadonlySet<number>>(linkedRows(loaded));
  const ruleKey = computed(() => (address.value.choices["rule"] ?? []).join(" "));
  const moved = computed(() => base && movedBy(base, ruleKey.value.split(" ")));
  const changed = computed(() => {
    if (base === undefined || moved.value === undefined || !loaded.whole) return undefined;
    const now = moved.value;
    if (RULE_NAMES.every((name) => base[name] === now[name])) return undefined;
    return changes(table, rules, base, now);
  });
  let pickedKey = 0;
  let known: ReadonlySet<number> | undefined;
  const sifted = computed(() => {
    const now = picked.value;
    if (known !== now) pickedKey++;
    known = now;
    const keyOf = (name: string) =>
      name === "picked" ? String(pickedKey) : name === "change" ? ruleKey.value : "";
    return sifting.apply(address.value.choices, { copies, picked: now, changes: changed.value }, keyOf);
  });
  return {
    dataset,
    loaded,
    sifting,
    sifted,
    picked,
    cursor: before?.cursor ?? signal(0),
    moved,
    changes: changed,
  };
}

/** Thresholds with those of the address; what is none is passed over, as the part that moves them tells. */
export function movedBy(base: RuleSettings, choices: readonly string[]): RuleSettings {
  const out: Record<RuleName, number | null> = { ...base };
  for (const choice of choices) {
    const [name = "", value = ""] = choice.split("=");
    const known = RULE_NAMES.find((one) => one === name);
    if (known === undefined || value === "") continue;
    const threshold = value === "off" ? null : Number(value);
    try {
      out[known] = ruleSettings([{ name: known, threshold }])[known];
    } catch {
      // A number that no threshold may be: an address written by hand.
    }
  }
  return out;
}

/** Rules whose thresholds people may move: those with more than one possible value. */
export const MOVABLE: readonly RuleName[] = RULE_NAMES.filter((name) => {
  const [low, high] = RULES[name].range;
  return low < high;
});

function linkedRows({ table }: Loaded): Set<number> {
  const ids = columnOf(table, "image_id", "texts");
  const wanted = address.peek().choices["pick"] ?? [];
  return new Set(ids === undefined ? [] : rowsOfTexts(ids, wanted).values());
}

/** The id of a row. */
export const idOf = ({ loaded }: Pick<Desk, "loaded">, row: number): string =>
  textAt(loaded.table.columns.get("image_id"), row);

/** Picks rows; the address has them as long as they are few. */
export function pick(desk: Desk, rows: ReadonlySet<number>): void {
  desk.picked.value = rows;
  const ids = rows.size > LINKED ? [] : Array.from(rows, (row) => idOf(desk, row));
  const rest = rows.size === 0 ? { picked: undefined } : {};
  choose({ pick: ids, ...rest }, false);
}

/** Whether a link has all that is picked. */
export const isLinked = (desk: Desk): boolean => desk.picked.value.size <= LINKED;

/** Takes in what Back and links pick. */
export function followPicks(desk: Desk): () => void {
  return effect(() => {
    const wanted = (address.value.choices["pick"] ?? []).join(" ");
    const now = desk.picked.peek();
    const own = now.size > LINKED ? "" : Array.from(now, (row) => idOf(desk, row)).join(" ");
    if (wanted !== own) desk.picked.value = linkedRows(desk.loaded);
  });
}

/** Chooses or gives back one value of a facet. */
export function toggleValue(name: string, value: string): void {
  const now = address.peek().choices[name] ?? [];
  choose({ [name]: now.includes(value) ? now.filter((one) => one !== value) : [...now, value] });
}

/** The row whose pair is open. */
export function openRow(desk: Desk): number | undefined {
  const id = chosen("pair");
  const ids = columnOf(desk.loaded.table, "image_id", "texts");
  return id === undefined || ids === undefined ? undefined : rowsOfTexts(ids, [id]).get(id);
}

/** What of the address chooses pairs: filters, what is picked, and thresholds that are moved. */
const SELECTION: readonly string[] = [...FILTERS, "pick", "rule"];

/** The choices that a link to the same pairs has, in another view. */
export const selectionNow = (): Choices =>
  Object.fromEntries(Object.entries(address.value.choices).filter(([name]) => SELECTION.includes(name)));

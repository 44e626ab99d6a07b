// ◇ Browser-safe. What other thresholds would do to a ledger: which pairs they would take away, which frames they would bring back.
// Invariants: values and comparisons are the rules' own (derive/judge/clean); what no rule decides (a person did, or no pair can be
// made of the frame) stays as it is; frames are judged by themselves, so that copies of other frames are counted by derive alone.
import {
  type Facts,
  type Judged,
  RULE_NAMES,
  type RuleName,
  type RuleSettings,
  ruleOf,
} from "../../derive/judge/clean.ts";
import { columnOf, type Table, textAt, type Words } from "./column.ts";

/** What becomes of a row. */
export const CHANGES = ["same", "taken", "back"] as const;
export type Change = (typeof CHANGES)[number];

/** Why a row was removed. */
export interface Broken {
  readonly rule: RuleName;
  readonly title: string;
  readonly value: number;
  readonly removes: "below" | "above";
  readonly threshold: number | null;
}

/** The rules' values of a table, each column found once. */
export class RuleValues {
  readonly #table: Table;
  readonly #readers = new Map<RuleName, ((row: number) => number) | undefined>();
  readonly #values = new Map<RuleName, Float64Array | undefined>();

  readonly #settled: ReadonlySet<string>;

  /** @param settled - subjects whose label a decision settled: their votes no longer count */
  constructor(table: Table, settled: ReadonlySet<string> = new Set()) {
    this.#table = table;
    this.#settled = settled;
  }

  /** What a rule judges of each row, NaN where nothing; undefined if the ledger lacks its columns. */
  of(name: RuleName): Float64Array | undefined {
    if (!this.#values.has(name)) this.#values.set(name, this.#find(name));
    return this.#values.get(name);
  }

  /** What a rule judges of one row; NaN where nothing. */
  at(name: RuleName, row: number): number {
    return this.#values.get(name)?.[row] ?? this.#reader(name)?.(row) ?? Number.NaN;
  }

  #find(name: RuleName): Float64Array | undefined {
    const read = this.#reader(name);
    if (read === undefined) return undefined;
    const out = new Float64Array(this.#table.rows);
    for (let row = 0; row < out.length; row++) out[row] = read(row);
    return out;
  }

  #reader(name: RuleName): ((row: number) => number) | undefined {
    if (!this.#readers.has(name)) this.#readers.set(name, this.#newReader(name));
    return this.#readers.get(name);
  }

  #newReader(name: RuleName): ((row: number) => number) | undefined {
    const { columns, value } = ruleOf(name);
    const judged = columns.map((column) => this.#judged(column as Judged | "twin"));
    if (judged.some((one) => one === undefined)) return undefined;
    const facts: { [J in Judged]?: number | undefined } = {};
    return (row) => {
      for (const [fact, read] of judged as readonly (readonly [Judged, (row: number) => number])[]) {
        const found = read(row);
        facts[fact] = Number.isNaN(found) ? undefined : found;
      }
      return value(facts as Facts) ?? Number.NaN;
    };
  }

  /** Reads one of the numbers that rules judge, as `factsOfRow` does of a ledger's text. */
  #judged(column: Judged | "twin"): readonly [Judged, (row: number) => number] | undefined {
    const table = this.#table;
    const numbers = (of: string) => columnOf(table, of, "numbers")?.values;
    if (column === "twin") {
      const [twins, bits] = [columnOf(table, "twin", "texts")?.ends, numbers("twin_bits")];
      if (twins === undefined || bits === undefined) return undefined;
      const isTwin = (row: number) => twins[row]! > (row === 0 ? 0 : twins[row - 1]!);
      return ["repeats", (row) => (isTwin(row) && Number.isNaN(bits[row]!) ? 1 : Number.NaN)];
    }
    const values = numbers(column);
    if (values === undefined) return undefined;
    if (column !== "gender_agreement") return [column, (row) => values[row]!];
    const votes = numbers("gender_votes");
    const people = columnOf(table, "user_id", "words");
    const isSettled = people?.words.map((word) => this.#settled.has(word));
    const none = (row: number) => isSettled?.[people!.codes[row]!] === true;
    return [column, (row) => (none(row) ? Number.NaN : votes?.[row] === 0 ? 0 : values[row]!)];
  }
}

/** True if a value removes a frame by a rule. */
export function breaks(name: RuleName, value: number, settings: RuleSettings): boolean {
  if (Number.isNaN(value)) return false;
  const { never, removes } = ruleOf(name);
  if (never !== undefined && value <= never) return true;
  const threshold = settings[name];
  return threshold !== null && (removes === "below" ? value < threshold : value > threshold);
}

/**
 * What becomes of each row, by the index of CHANGES.
 *
 * @param base - thresholds that the ledger was made by
 * @param moved - others
 */
export function changes(
  table: Table,
  values: RuleValues,
  base: RuleSettings,
  moved: RuleSettings,
): Uint8Array {
  const out = new Uint8Array(table.rows);
  const status = columnOf(table, "status", "words");
  if (status === undefined) return out;
  const kept = status.words.indexOf("kept");
  const free = freeRows(table);
  const other = RULE_NAMES.filter((name) => base[name] !== moved[name]);
  for (const name of other) {
    const column = values.of(name);
    if (column === undefined) continue;
    for (let row = 0; row < out.length; row++)
      if (status.codes[row] === kept && free[row] === 1 && breaks(name, column[row]!, moved)) out[row] = 1;
  }
  const reasons = columnOf(table, "reason", "words");
  if (reasons !== undefined) bringBack(out, { reasons, status, kept, free }, values, { base, moved, other });
  return out;
}

interface Rows {
  readonly reasons: Words;
  readonly status: Words;
  readonly kept: number;
  readonly free: Uint8Array;
}

/** A removed frame comes back if the rule that removed it does no longer, and no other one does. */
function bringBack(
  out: Uint8Array,
  { reasons, status, kept, free }: Rows,
  values: RuleValues,
  { base, moved, other }: { base: RuleSettings; moved: RuleSettings; other: readonly RuleName[] },
): void {
  const moving = new Set<string>(other.map((name) => ruleOf(name).reason));
  const mayReturn = reasons.words.map((word) => moving.has(word));
  if (!mayReturn.includes(true)) return;
  const all = RULE_NAMES.flatMap((name) => {
    const column = values.of(name);
    return column === undefined ? [] : [{ name, column, reason: ruleOf(name).reason as string }];
  });
  for (let row = 0; row < out.length; row++) {
    const reason = reasons.codes[row]!;
    if (status.codes[row] === kept || free[row] === 0 || !mayReturn[reason]) continue;
    const word = reasons.words[reason]!;
    const caused = all.some((one) => one.reason === word && breaks(one.name, one.column[row]!, base));
    if (caused && !all.some(({ name, column }) => breaks(name, column[row]!, moved))) out[row] = 2;
  }
}

/** 1 for rows that no person decided to remove or to keep. */
function freeRows(table: Table): Uint8Array {
  const free = new Uint8Array(table.rows).fill(1);
  const decision = columnOf(table, "decision", "words");
  const overruled = columnOf(table, "overruled", "words");
  const settled = decision?.words.map((word) => word === "remove" || word === "restore");
  for (let row = 0; row < free.length; row++)
    if (settled?.[decision!.codes[row]!] === true || (overruled !== undefined && overruled.codes[row] !== 0))
      free[row] = 0;
  return free;
}

/** The rule that removed a row, with its value and its threshold; undefined where no rule did. */
export function brokenBy(
  table: Table,
  values: RuleValues,
  base: RuleSettings,
  row: number,
): Broken | undefined {
  const reason = textAt(table.columns.get("reason"), row);
  for (const name of RULE_NAMES) {
    const { title, removes, reason: own } = ruleOf(name);
    if (reason === "" || own !== reason) continue;
    const value = values.at(name, row);
    if (breaks(name, value, base)) return { rule: name, title, value, removes, threshold: base[name] };
  }
  return undefined;
}

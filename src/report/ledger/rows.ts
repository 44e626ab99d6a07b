// Which frames of a ledger `derive report` shows: of every rule those nearest to its threshold on both sides, of every
// other reason and of what people decided the first ones, and kept pairs spread over the dataset.
// Invariants: a rule's verdict on a frame comes from the rule itself (derive/judge/judge); a frame that was restored against a
// rule stands with the decisions, on no side of that rule; only the rows that are shown stay in memory.

import { LEDGER_COLUMNS, type LedgerColumn } from "../../dataset/ledger-columns.ts";
import type { Manifest } from "../../dataset/manifest.ts";
import {
  type Facts,
  RULE_NAMES,
  type RuleName,
  type RuleSettings,
  ruleOf,
} from "../../derive/judge/clean.ts";
import { gatherDecisions, parseDecisions } from "../../derive/judge/decisions.ts";
import { factsOfRow, judge } from "../../derive/judge/judge.ts";
import type { Reason } from "../../derive/judge/reasons.ts";
import { readCsv } from "../../formats/csv.ts";

const NEEDED = ["image_id", "gesture", "user_id", "status", "reason", "detail", "overruled"] as const;
type Needed = (typeof NEEDED)[number];
/** Ledgers of other versions may lack them, or have others. */
const options = {
  optional: LEDGER_COLUMNS.filter(
    (column): column is Exclude<LedgerColumn, Needed> => !NEEDED.some((needed) => needed === column),
  ),
  allowOthers: true,
};
type Row = Readonly<Record<Needed, string> & Partial<Record<LedgerColumn, string>>>;

/** A row that is shown, with what the rules judge of it. */
export interface ShownRow {
  readonly row: Row;
  readonly facts: Facts;
}

/** Frames that have something in common: how many, and those that are shown. */
export interface Group {
  readonly frames: number;
  readonly rows: readonly ShownRow[];
}

export interface Chosen {
  /** Pairs spread over the dataset. */
  readonly kept: readonly ShownRow[];
  readonly ruled: Readonly<Record<RuleName, { readonly removed: Group; readonly kept: Group }>>;
  /** Frames that were removed by no rule, by reason. */
  readonly others: ReadonlyMap<Reason, Group>;
  /** Frames that people decided about, by what they decided. */
  readonly decided: ReadonlyMap<string, Group>;
}

/** Counts rows and keeps the `limit` of lowest cost, in the order of their cost. */
class Nearest implements Group {
  readonly #limit: number;
  readonly #rows: { readonly cost: number; readonly row: ShownRow }[] = [];
  frames = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  offer(row: ShownRow, cost: number): void {
    this.frames++;
    if (this.#rows.length === this.#limit && cost >= this.#rows.at(-1)!.cost) return;
    const at = this.#rows.findIndex((other) => cost < other.cost);
    this.#rows.splice(at === -1 ? this.#rows.length : at, 0, { cost, row });
    if (this.#rows.length > this.#limit) this.#rows.pop();
  }

  get rows(): ShownRow[] {
    return this.#rows.map(({ row }) => row);
  }
}

/** Groups by a key, made when the first row of one comes. */
class Groups<Key> extends Map<Key, Nearest> {
  readonly #limit: number;

  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  offer(key: Key, row: ShownRow): void {
    const group = this.get(key) ?? new Nearest(this.#limit);
    this.set(key, group);
    group.offer(row, group.frames);
  }
}

/**
 * Reads a ledger for the rows that its report shows.
 *
 * @param path - ledger.csv
 * @param manifest - of the same dataset: its rules and decisions
 * @param examples - rows for each rule and side, and for each other group
 */
export async function chooseRows(path: string, manifest: Manifest, examples: number): Promise<Chosen> {
  const some = () => new Nearest(examples);
  const kept: ShownRow[] = [];
  const ruled = Object.fromEntries(
    RULE_NAMES.map((name) => [name, { removed: some(), kept: some() }]),
  ) as Record<RuleName, { removed: Nearest; kept: Nearest }>;
  const others = new Groups<Reason>(examples);
  const decided = new Groups<string>(examples);
  const every = Math.max(1, Math.floor(manifest.counts.kept / (2 * examples)));
  let index = 0;
  for await (const shown of shownRows(path, manifest)) {
    const { status, reason, overruled, decision } = shown.row;
    const isKept = status === "kept";
    if (isKept && index++ % every === 0 && kept.length < 2 * examples) kept.push(shown);
    const ruledOut = offerToRules(shown, rulesOf(manifest), ruled);
    if (reason === "removed_by_decision") decided.offer("removed by people", shown);
    else if (!isKept && !ruledOut) others.offer(reason as Reason, shown);
    if (overruled !== "") decided.offer("restored by people", shown);
    else if (isKept && decision === "relabel") decided.offer("relabelled by people", shown);
  }
  await offerTwins(path, manifest, ruled);
  return { kept, ruled, others, decided };
}

async function* shownRows(path: string, { source }: Manifest): AsyncGenerator<ShownRow> {
  const decisions = gatherDecisions(parseDecisions(source.decisions));
  for await (const { values } of readCsv(path, NEEDED, options)) {
    const settled = decisions.ofSubject(values.user_id).gender !== undefined;
    yield { row: values, facts: factsOfRow(values, settled) };
  }
}

/** The thresholds of a manifest; a rule that it does not know is off. */
function rulesOf({ rules }: Manifest): RuleSettings {
  const known = RULE_NAMES.map((name) => [name, rules[name] ?? null] as const);
  return Object.fromEntries(known) as Record<RuleName, number | null>;
}

/**
 * Asks every rule about a row.
 *
 * @returns true if it was removed by one of them
 */
function offerToRules(
  shown: ShownRow,
  settings: RuleSettings,
  ruled: Readonly<Record<RuleName, { removed: Nearest; kept: Nearest }>>,
): boolean {
  const { row, facts } = shown;
  let ruledOut = false;
  for (const name of RULE_NAMES) {
    const rule = ruleOf(name);
    const value = rule.value(facts);
    if (value === undefined) continue;
    const far = Math.abs(value - (settings[name] ?? rule.threshold));
    const verdict = judge(name, facts, settings);
    if (row.status === "kept") {
      if (verdict === undefined && settings[name] !== null) ruled[name].kept.offer(shown, far);
    } else if (verdict?.reason === row.reason) {
      ruled[name].removed.offer(shown, far);
      ruledOut = true;
    }
  }
  return ruledOut;
}

async function offerTwins(
  path: string,
  manifest: Manifest,
  ruled: Readonly<Record<RuleName, { removed: Nearest; kept: Nearest }>>,
): Promise<void> {
  const wanted = RULE_NAMES.filter((name) => ruleOf(name).beside).map((name) => {
    const ids = ruled[name].removed.rows.map(({ facts }) => facts.twin);
    return { name, places: new Map(ids.map((id, i) => [id, i])) };
  });
  if (wanted.every(({ places }) => places.size === 0)) return;
  for await (const shown of shownRows(path, manifest)) {
    if (shown.row.status !== "kept") continue;
    for (const { name, places } of wanted) {
      const place = places.get(shown.row.image_id);
      if (place !== undefined) ruled[name].kept.offer(shown, place);
    }
  }
}

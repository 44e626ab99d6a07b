// ◇ Browser-safe. What the page holds of one dataset: its table as it comes, and what follows from it.
// Invariants: a dataset is read once as long as it is looked at, and anew when it has changed; facets come before histograms.
import { type Signal, signal } from "@preact/signals";
import type { AppError } from "../../core/errors.ts";
import type { Manifest } from "../../dataset/manifest.ts";
import { RULE_NAMES, RULES, type RuleName, type RuleSettings } from "../../derive/judge/clean.ts";
import { ROUTES, type Thing } from "../../server/api.ts";
import { faultOf, getJson, hasFile } from "../app/source.ts";
import { type Column, columnOf, type Table } from "../table/column.ts";
import { applied, findCopies, findVotes } from "../table/derived.ts";
import { FACETS, FIRST, SECOND } from "../table/ledger.ts";
import { type OpenTable, openTable } from "../table/open.ts";
import { RuleValues } from "../table/rules.ts";

/** A dataset's table, and all that is found in it. */
export interface Loaded {
  readonly table: Table;
  /** Group of each row among copies. */
  readonly copies?: Uint32Array | undefined;
  /** False while histograms are still being read. */
  readonly whole: boolean;
  readonly rules: RuleValues;
  /** Thresholds that it was made by; undefined where no rule made it. */
  readonly base?: RuleSettings | undefined;
}

/** A dataset in the page. */
export interface Dataset {
  readonly thing: Thing;
  readonly loaded: Signal<Loaded | undefined>;
  readonly fault: Signal<AppError | undefined>;
  /** Rows that were read, of how many. */
  readonly progress: Signal<readonly [read: number, of: number]>;
  /** All columns of a row. */
  row(row: number): Promise<Readonly<Record<string, unknown>>>;
  /** Further columns, read once. */
  more(names: readonly string[]): Promise<ReadonlyMap<string, Column>>;
}

let current: { readonly key: string; readonly dataset: Dataset; readonly close: () => void } | undefined;

/** The dataset of a thing; the one before is let go. */
export function datasetOf(thing: Thing): Dataset {
  const key = `${thing.id} ${thing.changed}`;
  if (current?.key === key) return current.dataset;
  current?.close();
  current = { key, ...begin(thing) };
  return current.dataset;
}

function begin(thing: Thing): { dataset: Dataset; close: () => void } {
  const loaded = signal<Loaded | undefined>(undefined);
  const fault = signal<AppError | undefined>(undefined);
  const progress = signal<readonly [number, number]>([0, 0]);
  const opened = openTable(thing);
  let ended = false;
  void read(thing, opened, { loaded, progress }).catch((error: unknown) => {
    if (!ended) fault.value = faultOf(error);
  });
  const further = new Map<string, Promise<ReadonlyMap<string, Column>>>();
  const dataset: Dataset = {
    thing,
    loaded,
    fault,
    progress,
    row: async (row) => (await opened).row(row),
    more(names) {
      const key = names.join(" ");
      const known = further.get(key) ?? opened.then((table) => table.columns(names));
      further.set(key, known);
      return known;
    },
  };
  const close = () => {
    ended = true;
    void opened.then((table) => table.close()).catch(() => undefined);
  };
  return { dataset, close };
}

async function read(
  thing: Thing,
  opened: Promise<OpenTable>,
  { loaded, progress }: Pick<Dataset, "loaded" | "progress">,
): Promise<void> {
  const manifest = hasFile(thing, "manifest.json")
    ? getJson<Manifest>(ROUTES.file(thing.id, "manifest.json"))
    : Promise.resolve(undefined);
  const open = await opened;
  const { rows } = open;
  progress.value = [0, rows];
  const extra = ["hand_picture", "face_picture"];
  const first = await open.columns([...FIRST, ...extra], (reached) => {
    progress.value = [reached, rows];
  });
  const made = await manifest;
  const base = made === undefined || !open.names.includes("reason") ? undefined : settingsOf(made);
  const settled = settledPeople(made);
  const table = { rows, columns: withFacets({ rows, columns: first }) };
  loaded.value = { table, whole: false, rules: new RuleValues(table, settled), base };
  const second = await open.columns(SECOND);
  const all = { rows, columns: new Map([...table.columns, ...second]) };
  const copies = findCopies(all);
  const votes = findVotes(all);
  if (copies !== undefined) all.columns.set("copies", copies.column);
  if (votes !== undefined) all.columns.set("votes", votes);
  loaded.value = {
    table: all,
    copies: copies?.groups,
    whole: true,
    rules: new RuleValues(all, settled),
    base,
  };
}

/** The columns, of facets those in which it is known to which frames they apply. */
function withFacets(table: Table): Map<string, Column> {
  const columns = new Map(table.columns);
  const status = columnOf(table, "status", "words");
  for (const { name } of FACETS) {
    const words = columnOf(table, name, "words");
    if (words !== undefined) columns.set(name, applied(words, name, status));
  }
  return columns;
}

/** The thresholds of a manifest; a rule that it does not know is off. */
function settingsOf({ rules }: Manifest): RuleSettings {
  return Object.fromEntries(RULE_NAMES.map((name) => [name, rules[name] ?? null])) as Record<
    RuleName,
    number | null
  >;
}

/** Subjects whose gender a decision settled: their votes no longer count. */
function settledPeople(manifest: Manifest | undefined): ReadonlySet<string> {
  const decisions = manifest?.source.decisions ?? [];
  return new Set(decisions.flatMap(({ user_id: id, gender }) => (id && gender ? [id] : [])));
}

/** The rules as they are without other choices. */
export const DEFAULTS = Object.fromEntries(
  RULE_NAMES.map((name) => [name, RULES[name].threshold]),
) as unknown as RuleSettings;

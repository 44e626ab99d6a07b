// ◇ Browser-safe. Above the grid: how many are shown, search, order, groups, size, and what may be done with what is selected.
import { type Signal, useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { count, counted } from "../../report/figure-text.ts";
import { address, choose, chosen, go, useChosen } from "../app/address.ts";
import { useKeys } from "../app/keys.ts";
import { listing } from "../app/source.ts";
import { FILTERS } from "../table/choose.ts";
import { FACETS, HISTOGRAMS } from "../table/ledger.ts";
import { type Desk, selectionNow } from "./desk.ts";
import { SIZES, sizeNow } from "./grid-plan.ts";
import { Picked } from "./picked.tsx";
import { titleOf } from "./words.ts";

interface DeskProps {
  readonly desk: Desk;
}

interface Props extends DeskProps {
  /** Whether filters are shown where there is no room for both. */
  readonly filtering: Signal<boolean>;
}

/** Milliseconds after which what was typed is searched for. */
const TYPED_MS = 200;

/** The bar. */
export function Toolbar({ desk, filtering }: Props) {
  return (
    <div class="pairs-bar">
      <Total desk={desk} />
      <Search />
      <Order desk={desk} />
      <Grouping desk={desk} />
      <Size />
      <Panels desk={desk} />
      <Filtered filtering={filtering} />
      <Picked desk={desk} />
    </div>
  );
}

/** How many are shown, of how many, and of how many people. */
function Total({ desk }: DeskProps) {
  const { rows, subjects } = desk.sifted.value;
  const { table } = desk.loaded;
  const what = table.columns.has("reason") ? "frames" : "pairs";
  return (
    <p class="pairs-total" role="status">
      <strong>{count(rows.length)}</strong> of {count(table.rows)} {what}
      {subjects === undefined ? null : ` · ${count(subjects)} subjects`}
      {desk.loaded.whole ? null : <span class="soft"> · reading the measures …</span>}
    </p>
  );
}

function Search() {
  const search = useRef<HTMLInputElement>(null);
  const timer = useRef(0);
  const sought = useChosen("q");
  useKeys([{ keys: ["/"], does: "search by id or subject", run: () => search.current?.focus() }]);
  return (
    <label>
      <span class="sr">Search by id or subject</span>
      <input
        ref={search}
        type="search"
        placeholder="image id or subject"
        value={sought ?? ""}
        onInput={({ currentTarget: { value } }) => {
          window.clearTimeout(timer.current);
          timer.current = window.setTimeout(
            () => choose({ q: value.trim() === "" ? undefined : [value.trim()] }, false),
            TYPED_MS,
          );
        }}
      />
    </label>
  );
}

function Order({ desk }: DeskProps) {
  const sort = useChosen("sort") ?? "";
  const names = [...FACETS.map(({ name }) => name), "user_id", ...HISTOGRAMS];
  const turn = () => sort !== "" && choose({ sort: [sort.startsWith("-") ? sort.slice(1) : `-${sort}`] });
  useKeys([{ keys: ["r"], does: "turn the order round", run: turn }]);
  return (
    <>
      <label>
        Sort{" "}
        <select
          value={sort.replace(/^-/, "")}
          onChange={({ currentTarget: { value } }) => choose({ sort: value === "" ? undefined : [value] })}
        >
          <option value="">as in the file</option>
          {names
            .filter((name) => desk.loaded.table.columns.has(name))
            .map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
        </select>
      </label>
      <button type="button" disabled={sort === ""} aria-pressed={sort.startsWith("-")} onClick={turn}>
        {sort.startsWith("-") ? "↓ largest first" : "↑ smallest first"}
      </button>
    </>
  );
}

function Grouping({ desk }: DeskProps) {
  const group = useChosen("group") ?? "";
  const bySubject = () => choose({ group: group === "subject" ? undefined : ["subject"] });
  useKeys([{ keys: ["g"], does: "group by subject, or not", run: bySubject }]);
  return (
    <label>
      Group{" "}
      <select
        value={group}
        onChange={({ currentTarget: { value } }) => choose({ group: value === "" ? undefined : [value] })}
      >
        <option value="">no groups</option>
        <option value="subject">by subject</option>
        {desk.loaded.table.columns.has("copies") ? <option value="copies">by near-duplicates</option> : null}
      </select>
    </label>
  );
}

function Size() {
  const px = useComputed(sizeNow).value;
  const by = (morePx: number) =>
    choose({ size: [String(Math.min(SIZES.most, Math.max(SIZES.least, px + morePx)))] }, false);
  useKeys([
    { keys: ["+", "="], does: "larger pictures", run: () => by(16) },
    { keys: ["-"], does: "smaller pictures", run: () => by(-16) },
  ]);
  return (
    <label class="pairs-size">
      Size{" "}
      <input
        type="range"
        min={SIZES.least}
        max={SIZES.most}
        step={8}
        value={px}
        onInput={({ currentTarget: { value } }) => choose({ size: [value] }, false)}
      />
    </label>
  );
}

/** What opens above the grid: counts by two columns, and thresholds. */
function Panels({ desk }: DeskProps) {
  const [by, rules] = [useChosen("by"), useChosen("rules")];
  const counts = () => choose({ by: by === undefined ? ["gender", "split"] : undefined });
  const thresholds = () => choose({ rules: rules === undefined ? ["open"] : undefined });
  useKeys([
    { keys: ["t"], does: "show or hide counts by two columns", run: counts },
    { keys: ["m"], does: "show or hide the thresholds", run: thresholds },
  ]);
  return (
    <>
      <button type="button" aria-pressed={by !== undefined} onClick={counts}>
        Counts
      </button>
      {desk.loaded.base === undefined ? null : (
        <button type="button" aria-pressed={rules !== undefined} onClick={thresholds}>
          Thresholds
        </button>
      )}
    </>
  );
}

/** What is filtered, and what may be done with it. */
function Filtered({ filtering }: Pick<Props, "filtering">) {
  const set = useComputed(() => filtersSet().join())
    .value.split(",")
    .filter(Boolean);
  const judged = useComputed(isQueue).value;
  const clear = () => choose(Object.fromEntries(FILTERS.map((name) => [name, undefined])));
  useKeys([
    { keys: ["f"], does: "show or hide the filters (narrow window)", run: () => flip(filtering) },
    { keys: ["c"], does: "take all filters away", run: clear },
    { keys: ["j"], does: "judge what is filtered", run: judge },
    { keys: ["h"], does: "train a head on what is filtered", run: tune },
  ]);
  return (
    <>
      <button
        type="button"
        class="pairs-narrow"
        aria-expanded={filtering.value}
        onClick={() => flip(filtering)}
      >
        Filters{set.length === 0 ? "" : ` (${set.length})`}
      </button>
      {judged ? (
        <button type="button" onClick={judge}>
          Judge these <kbd>j</kbd>
        </button>
      ) : null}
      {trains() ? (
        <button type="button" onClick={tune}>
          Tune on these <kbd>h</kbd>
        </button>
      ) : null}
      {set.length === 0 ? null : (
        <button type="button" onClick={clear} title={set.map(titleOf).join(", ")}>
          Clear {counted(set.length, "filter")}
        </button>
      )}
    </>
  );
}

const filtersSet = () => FILTERS.filter((name) => address.value.choices[name] !== undefined);

/** A queue is made of filters; a selection and other thresholds are this window's own. */
const isQueue = () => chosen("picked") === undefined && chosen("change") === undefined;

/** Goes to the queue of what is filtered, in the order of the grid. */
function judge(): void {
  if (!isQueue()) return;
  const { thing, choices } = address.value;
  const filters = Object.entries(choices).filter(([name]) => name === "sort" || FILTERS.includes(name));
  go({ view: "audit", thing, choices: { ...Object.fromEntries(filters), queue: ["filter"] } });
}

/** A page of static files has no model to train. */
const trains = () => listing.value?.views?.includes("tune") ?? true;

/** Goes to where a head is trained on what is filtered. */
function tune(): void {
  if (!trains()) return;
  go({ view: "tune", thing: address.value.thing, choices: selectionNow() });
}

function flip(on: Signal<boolean>): void {
  on.value = !on.value;
}

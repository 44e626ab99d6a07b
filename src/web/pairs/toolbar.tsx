// ◇ Browser-safe. Above the grid: how many are shown, search, order, groups, size, and what may be done with what is selected.
import { type Signal, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { address, choose, chosen, go } from "../app/address.ts";
import { useKeys } from "../app/keys.ts";
import { FILTERS } from "../table/choose.ts";
import { FACETS, HISTOGRAMS } from "../table/ledger.ts";
import { type Desk, idOf, isLinked, pick } from "./desk.ts";
import { SIZES, sizeNow } from "./grid.tsx";
import { count, titleOf } from "./words.ts";

interface Props {
  readonly desk: Desk;
  /** Whether filters are shown where there is no room for both. */
  readonly filtering: Signal<boolean>;
}

/** Milliseconds after which what was typed is searched for. */
const TYPED_MS = 200;

/** The bar. */
export function Toolbar({ desk, filtering }: Props) {
  const search = useRef<HTMLInputElement>(null);
  const timer = useRef(0);
  const sort = chosen("sort") ?? "";
  const set = FILTERS.filter((name) => address.value.choices[name] !== undefined);
  const clear = () => choose(Object.fromEntries(FILTERS.map((name) => [name, undefined])));
  const turn = () => sort !== "" && choose({ sort: [sort.startsWith("-") ? sort.slice(1) : `-${sort}`] });
  const size = (by: number) =>
    choose({ size: [String(Math.min(SIZES.most, Math.max(SIZES.least, sizeNow() + by)))] }, false);
  useKeys([
    { keys: ["/"], does: "search by id or subject", run: () => search.current?.focus() },
    { keys: ["f"], does: "show or hide the filters (narrow window)", run: () => flip(filtering) },
    { keys: ["c"], does: "take all filters away", run: clear },
    { keys: ["j"], does: "judge what is filtered", run: judge },
    { keys: ["r"], does: "turn the order round", run: turn },
    {
      keys: ["g"],
      does: "group by subject, or not",
      run: () => choose({ group: chosen("group") === "subject" ? undefined : ["subject"] }),
    },
    { keys: ["+", "="], does: "larger pictures", run: () => size(16) },
    { keys: ["-"], does: "smaller pictures", run: () => size(-16) },
    {
      keys: ["t"],
      does: "show or hide counts by two columns",
      run: () => choose({ by: chosen("by") === undefined ? ["gender", "split"] : undefined }),
    },
    {
      keys: ["m"],
      does: "show or hide the thresholds",
      run: () => choose({ rules: chosen("rules") === undefined ? ["open"] : undefined }),
    },
  ]);
  const { columns } = desk.loaded.table;
  const sortable = [...FACETS.map(({ name }) => name), "user_id", ...HISTOGRAMS].filter((name) =>
    columns.has(name),
  );
  return (
    <div class="pairs-bar">
      <Total desk={desk} />
      <label>
        <span class="sr">Search by id or subject</span>
        <input
          ref={search}
          type="search"
          placeholder="image id or subject"
          value={chosen("q") ?? ""}
          onInput={({ currentTarget: { value } }) => {
            window.clearTimeout(timer.current);
            timer.current = window.setTimeout(
              () => choose({ q: value.trim() === "" ? undefined : [value.trim()] }, false),
              TYPED_MS,
            );
          }}
        />
      </label>
      <label>
        Sort{" "}
        <select
          value={sort.replace(/^-/, "")}
          onChange={({ currentTarget: { value } }) => choose({ sort: value === "" ? undefined : [value] })}
        >
          <option value="">as in the file</option>
          {sortable.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <button type="button" disabled={sort === ""} aria-pressed={sort.startsWith("-")} onClick={turn}>
        {sort.startsWith("-") ? "↓ largest first" : "↑ smallest first"}
      </button>
      <label>
        Group{" "}
        <select
          value={chosen("group") ?? ""}
          onChange={({ currentTarget: { value } }) => choose({ group: value === "" ? undefined : [value] })}
        >
          <option value="">no groups</option>
          <option value="subject">by subject</option>
          {columns.has("copies") ? <option value="copies">by near-duplicates</option> : null}
        </select>
      </label>
      <label class="pairs-size">
        Size{" "}
        <input
          type="range"
          min={SIZES.least}
          max={SIZES.most}
          step={8}
          value={sizeNow()}
          onInput={({ currentTarget: { value } }) => choose({ size: [value] }, false)}
        />
      </label>
      <button
        type="button"
        class="pairs-narrow"
        aria-expanded={filtering.value}
        onClick={() => flip(filtering)}
      >
        Filters{set.length === 0 ? "" : ` (${set.length})`}
      </button>
      <button
        type="button"
        aria-pressed={chosen("by") !== undefined}
        onClick={() => choose({ by: chosen("by") === undefined ? ["gender", "split"] : undefined })}
      >
        Counts
      </button>
      {desk.loaded.base === undefined ? null : (
        <button
          type="button"
          aria-pressed={chosen("rules") !== undefined}
          onClick={() => choose({ rules: chosen("rules") === undefined ? ["open"] : undefined })}
        >
          Thresholds
        </button>
      )}
      {isQueue() ? (
        <button type="button" onClick={judge}>
          Judge these <kbd>j</kbd>
        </button>
      ) : null}
      {set.length === 0 ? null : (
        <button type="button" onClick={clear} title={set.map(titleOf).join(", ")}>
          Clear {set.length} filter{set.length === 1 ? "" : "s"}
        </button>
      )}
      <Picked desk={desk} />
    </div>
  );
}

/** A queue is made of filters; a selection and other thresholds are this window's own. */
const isQueue = () => chosen("picked") === undefined && chosen("change") === undefined;

/** Goes to the queue of what is filtered, in the order of the grid. */
function judge(): void {
  if (!isQueue()) return;
  const { thing, choices } = address.value;
  const filters = Object.entries(choices).filter(([name]) => name === "sort" || FILTERS.includes(name));
  go({ view: "audit", thing, choices: { ...Object.fromEntries(filters), queue: ["filter"] } });
}

/** How many are shown, of how many, and of how many people. */
function Total({ desk }: { readonly desk: Desk }) {
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

/** What is selected, and what may be done with it. */
function Picked({ desk }: { readonly desk: Desk }) {
  const copied = useSignal(0);
  const { size } = desk.picked.value;
  const only = chosen("picked") !== undefined;
  const copy = async () => {
    await navigator.clipboard.writeText(Array.from(desk.picked.peek(), (row) => idOf(desk, row)).join("\n"));
    copied.value = desk.picked.peek().size;
  };
  useKeys([
    { keys: ["i"], does: "copy the ids of what is selected", run: () => void copy() },
    {
      keys: ["o"],
      does: "show only what is selected, or all",
      run: () => choose({ picked: only || size === 0 ? undefined : ["1"] }),
    },
  ]);
  if (size === 0) return null;
  return (
    <span class="pairs-picked" role="status">
      <strong>{count(size)}</strong> selected{" "}
      <button type="button" aria-pressed={only} onClick={() => choose({ picked: only ? undefined : ["1"] })}>
        Only these
      </button>{" "}
      <button type="button" onClick={copy}>
        {copied.value === size ? "Ids copied" : "Copy ids"}
      </button>{" "}
      <button type="button" onClick={() => pick(desk, new Set())}>
        Select none
      </button>
      {isLinked(desk) ? null : <span class="soft"> more than a link holds: others will not see which</span>}
    </span>
  );
}

function flip(on: Signal<boolean>): void {
  on.value = !on.value;
}

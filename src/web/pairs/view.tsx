// ◇ Browser-safe. Pairs: filters beside a grid of all pairs of a dataset, kept and removed.
import { computed, useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { count } from "../../report/figure-text.ts";
import { address, useChosen } from "../app/address.ts";
import { thingOf } from "../app/source.ts";
import { OnePair } from "../pair/pair.tsx";
import { DatasetList } from "../parts/datasets.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { FACETS, HISTOGRAMS } from "../table/ledger.ts";
import { CrossTable } from "./cross.tsx";
import { type Dataset, datasetOf, type Loaded } from "./dataset.ts";
import { type Desk, deskOf, followPicks, openRow } from "./desk.ts";
import { Facet } from "./facet.tsx";
import { Grid } from "./grid.tsx";
import { Histogram } from "./histogram.tsx";
import { Thresholds } from "./thresholds.tsx";
import { Toolbar } from "./toolbar.tsx";

/** The view. */
export function PairsView() {
  const thing = thingOf(useComputed(() => address.value.thing).value);
  if (thing === undefined || thing.kind !== "dataset") return <Datasets />;
  return <Explored key={thing.id} dataset={datasetOf(thing)} />;
}

/** Which datasets there are to look at. */
function Datasets() {
  const { thing } = address.value;
  return (
    <>
      <h1>Pairs</h1>
      {thing === undefined ? null : (
        <FaultNote
          fault={{
            code: "THING",
            message: "Expected a dataset that is there, got the address of none",
            hint: "choose one of these",
          }}
        />
      )}
      <DatasetList view="pairs" />
    </>
  );
}

/** Does work when the page has nothing else to do; the returned function takes it back. */
function whenIdle(work: () => void): () => void {
  const { requestIdleCallback: ask, cancelIdleCallback: cancel } = globalThis;
  if (ask === undefined) return () => undefined; // Safari: it is no more than time saved
  const asked = ask(work);
  return () => cancel(asked);
}

function Explored({ dataset }: { readonly dataset: Dataset }) {
  const { thing, loaded, fault, progress } = dataset;
  const [read, of] = progress.value;
  return (
    <>
      <h1 class="sr">Pairs of {thing.place}</h1>
      {thing.trouble === undefined ? null : <FaultNote fault={thing.trouble} />}
      {fault.value === undefined ? null : <FaultNote fault={fault.value} />}
      {loaded.value === undefined ? (
        fault.value === undefined && (
          <p role="status">Reading {of === 0 ? "the table" : `${count(read)} of ${count(of)} rows`} …</p>
        )
      ) : (
        <Desktop dataset={dataset} loaded={loaded.value} />
      )}
    </>
  );
}

function Desktop({ dataset, loaded }: { readonly dataset: Dataset; readonly loaded: Loaded }) {
  const before = useRef<Desk | undefined>(undefined);
  const desk = useMemo(() => deskOf(dataset, loaded, before.current), [dataset, loaded]);
  before.current = desk;
  const filtering = useSignal(false);
  useEffect(() => followPicks(desk), [desk]);
  useEffect(() => whenIdle(() => desk.sifting.rehearse()), [desk]);
  const row = useMemo(() => computed(() => openRow(desk)), [desk]).value;
  const isEmpty = useMemo(() => computed(() => desk.sifted.value.rows.length === 0), [desk]).value;
  const [pair, by, rules] = [useChosen("pair"), useChosen("by"), useChosen("rules")];
  return (
    <div class={`pairs${filtering.value ? " pairs-filtering" : ""}`}>
      <aside class="pairs-filters" aria-label="Filters" tabIndex={-1}>
        {FACETS.map(({ name, title }) => (
          <Facet key={name} desk={desk} name={name} title={title} />
        ))}
        {HISTOGRAMS.map((name) =>
          loaded.table.columns.has(name) ? <Histogram key={name} desk={desk} name={name} /> : null,
        )}
      </aside>
      <section class="pairs-main" aria-label="Shown pairs">
        {row === undefined ? null : <OnePair desk={desk} row={row} />}
        <Toolbar desk={desk} filtering={filtering} />
        {row === undefined && pair !== undefined ? (
          <FaultNote
            fault={{
              code: "PAIR",
              message: "Expected a pair of this dataset, got the address of none",
              hint: "search for its id",
            }}
          />
        ) : null}
        {by === undefined ? null : <CrossTable desk={desk} />}
        {rules === undefined ? null : <Thresholds desk={desk} />}
        {isEmpty ? (
          <p>
            No pair passes all filters. Press <kbd>c</kbd> to take them away.
          </p>
        ) : null}
        <Grid desk={desk} covered={row !== undefined} />
      </section>
    </div>
  );
}

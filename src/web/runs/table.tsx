// ◇ Browser-safe. The table of runs: a row for each configuration, its seeds together; figures come as they are computed.
import type { Summary } from "../../evaluate/analysis/summary.ts";
import { count, METRIC_TITLES } from "../../report/figure-text.ts";
import { address, choose, chosen, formatAddress } from "../app/address.ts";
import { Breakable } from "../parts/breakable.tsx";
import { Scrolled } from "../parts/scrolled.tsx";
import { summaryOf } from "./answers.ts";
import { type Cell, cellOf, SHOWN_METRICS } from "./cells.ts";
import {
  backboneOf,
  type Configuration,
  configurations,
  hasPredicted,
  PREDICTED,
  type Run,
  type RunsProps,
  type Sort,
  sorted,
} from "./configurations.ts";

/** The split and the metric that are chosen. */
export function chosenFigure() {
  const split = PREDICTED.find((one) => one === chosen("split")) ?? "test";
  const metric = SHOWN_METRICS.find((one) => one === chosen("metric")) ?? "balancedAccuracy";
  return { split, metric };
}

/** What is known of a row. */
interface Row {
  readonly configuration: Configuration;
  readonly images?: number | undefined;
  readonly subjects?: number | undefined;
  readonly figure?: number | undefined;
  readonly cells: readonly Cell[];
  readonly note?: string | undefined;
}

const PARTS = ["overall", "hand", "face"] as const;

function rowOf(configuration: Configuration): Row {
  const { split, metric } = chosenFigure();
  const predicted = configuration.runs.filter((run) => hasPredicted(run, split));
  const coming = predicted.map((run) => summaryOf(run, split).value);
  const faults = coming.flatMap(({ fault }) => fault?.message ?? []);
  const summaries = coming.flatMap(({ value }) => value ?? ([] as Summary[]));
  if (faults.length > 0) return { configuration, cells: [], note: faults[0] };
  if (predicted.length === 0) return { configuration, cells: [], note: `no predictions of ${split}` };
  if (summaries.length < predicted.length) return { configuration, cells: [], note: "computing …" };
  const cells = PARTS.map((part) => cellOf(summaries, part, metric));
  const { nImages: images, nSubjects: subjects } = summaries[0]!.overall;
  return { configuration, images, subjects, figure: cells[0]!.value, cells };
}

const COLUMNS: readonly { readonly title: string; readonly sort?: Sort }[] = [
  { title: "configuration", sort: "configuration" },
  { title: "arch", sort: "arch" },
  { title: "backbone" },
  { title: "seeds", sort: "seeds" },
  { title: "epochs", sort: "epochs" },
  { title: "images", sort: "images" },
  { title: "subjects" },
  { title: "all", sort: "figure" },
  { title: "hand" },
  { title: "face" },
];

/** The table with what chooses its figures. */
export function RunsTable({ runs, names }: RunsProps) {
  const { split, metric } = chosenFigure();
  const rows = sorted(configurations(runs).map(rowOf), chosen("sort"));
  return (
    <>
      <div class="runs-tools">
        <label>
          Split{" "}
          <select value={split} onChange={({ currentTarget }) => choose({ split: [currentTarget.value] })}>
            {PREDICTED.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          Figure{" "}
          <select value={metric} onChange={({ currentTarget }) => choose({ metric: [currentTarget.value] })}>
            {SHOWN_METRICS.map((one) => (
              <option key={one} value={one}>
                {METRIC_TITLES[one]}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Scrolled name="Table of runs">
        <table class="runs-table">
          <caption>
            <span>
              {METRIC_TITLES[metric]} on {split}. In brackets: 95 % intervals over subjects, 2,000 draws; of
              several seeds: mean ± sample standard deviation. *: of few subjects; too small: of under 20.
            </span>
          </caption>
          <thead>
            <tr>
              <th scope="col">pick</th>
              {COLUMNS.map((column) => (
                <Header key={column.title} {...column} />
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <TableRow key={row.configuration.id} row={row} name={names.get(row.configuration.id)!} />
            ))}
          </tbody>
        </table>
      </Scrolled>
    </>
  );
}

function Header({ title, sort }: { readonly title: string; readonly sort?: Sort | undefined }) {
  if (sort === undefined) return <th scope="col">{title}</th>;
  const now = chosen("sort");
  const order = now === sort ? "ascending" : now === `-${sort}` ? "descending" : undefined;
  const next = now === `-${sort}` ? sort : `-${sort}`;
  const mark = order === undefined ? "" : order === "ascending" ? " ▲" : " ▼";
  return (
    <th scope="col" aria-sort={order}>
      <button type="button" class="plain" onClick={() => choose({ sort: [next] })}>
        {title}
        {mark}
      </button>
    </th>
  );
}

/** Ids of configurations that are picked, in order. */
export const picked = (): readonly string[] => address.value.choices["pick"] ?? [];

function pick(id: string): void {
  const now = picked();
  choose({ pick: now.includes(id) ? now.filter((one) => one !== id) : [...now, id] });
}

function TableRow({ row, name }: { readonly row: Row; readonly name: string }) {
  const { configuration, images, subjects, cells, note } = row;
  const { id, facts, runs } = configuration;
  const { arch, tag, epochs } = facts;
  const done = Math.min(...runs.map(({ run }) => run.epochs.done));
  return (
    <tr>
      <td>
        <input
          type="checkbox"
          aria-label={`pick ${name}`}
          checked={picked().includes(id)}
          onChange={() => pick(id)}
        />
      </td>
      <th scope="row" class="long">
        {name === tag ? null : (
          <strong>
            <Breakable text={name} />{" "}
          </strong>
        )}
        <code>
          <Breakable text={tag} />
        </code>
        <Seeds runs={runs} />
      </th>
      <td>{arch.toUpperCase()}</td>
      <td>{backboneOf(tag)}</td>
      <td>{runs.length}</td>
      <td>
        {done} of {epochs.planned}
      </td>
      {note === undefined ? (
        <>
          <td>{count(images!)}</td>
          <td>{count(subjects!)}</td>
          {cells.map(({ text, beside }, i) => (
            <td key={PARTS[i]}>
              {text} <small>{beside}</small>
            </td>
          ))}
        </>
      ) : (
        <td colSpan={5} class="wide">
          {note}
        </td>
      )}
    </tr>
  );
}

/** A link for each run. */
export function Seeds({ runs }: { readonly runs: readonly Run[] }) {
  return (
    <span class="runs-seeds">
      {runs.map(({ id, place, run }) => (
        <a key={id} href={formatAddress({ view: "runs", thing: id, choices: {} })} title={place}>
          seed {run.seed}
        </a>
      ))}
    </span>
  );
}

// ◇ Browser-safe. A study's summary and tables as `study report` has them, each row with links to the runs that it is of.
import { REPLICATES } from "../../evaluate/intervals/intervals.ts";
import { isAllSmall, type ReportTable, type TableCell } from "../../report/table.ts";
import { ROUTES, type Thing } from "../../server/api.ts";
import type { Study } from "../../studies/study.ts";
import { formatAddress } from "../app/address.ts";
import { urlOf } from "../app/source.ts";
import { Breakable } from "../parts/breakable.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { Scrolled } from "../parts/scrolled.tsx";
import { asked } from "../runs/answers.ts";
import { hasPredictions, type Run } from "../runs/configurations.ts";
import type { NamedFile, RunFiles } from "./compute.ts";

/** A run of a study: its configuration in the plan. */
export interface StudyRun {
  readonly cell: string;
  readonly run: Run;
}

interface TablesProps {
  readonly study: Thing;
  readonly plan: Study;
  readonly runs: readonly StudyRun[];
  readonly names: ReadonlyMap<string, string>;
}

/** The tables; nothing before the first run has predicted. */
export function StudyTables({ study, plan, runs, names }: TablesProps) {
  const predicted = runs.filter(({ run }) => hasPredictions(run));
  if (predicted.length === 0) return null;
  const key = ["study", study.id, study.changed, ...predicted.map(({ run }) => run.id + run.changed)].join(
    " ",
  );
  const files = { plan, runs: predicted.map((one) => filesOf(study, one)) };
  const { value, fault } = asked(key, { do: "study", files, replicates: REPLICATES }).value;
  return (
    <section>
      <h2>Summary</h2>
      {fault === undefined ? null : <FaultNote fault={fault} />}
      {value === undefined ? (
        fault === undefined ? (
          <p class="soft">Computing the tables of all runs, 2,000 draws each …</p>
        ) : null
      ) : (
        <>
          <ul>
            {value.summary.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
          <h2>Tables</h2>
          <p class="soft">
            As <code>npx --no facehand study report {study.place} --out DIR</code> computes them, which has
            tables of single runs too, by group and of calibration.
          </p>
          {value.tables.map((table) => (
            <Folded key={table.id} table={table} runs={predicted} names={names} />
          ))}
        </>
      )}
    </section>
  );
}

function filesOf(study: Thing, { cell, run }: StudyRun): RunFiles {
  const named = (thing: Thing, name: string): NamedFile => ({
    url: urlOf(ROUTES.file(thing.id, name)),
    name: `${thing.place}/${name}`,
  });
  const evaluations: Record<string, NamedFile[]> = {};
  for (const { name } of study.files) {
    const [folder, ofCell, ofSeed, evaluation] = name.split("/");
    if (folder !== "evaluations" || ofCell !== cell || ofSeed !== `seed_${run.run.seed}`) continue;
    evaluations[evaluation!] = [...(evaluations[evaluation!] ?? []), named(study, name)];
  }
  return {
    cell,
    seed: run.run.seed,
    log: named(run, "log.jsonl"),
    predictions: run.files
      .filter(({ name }) => name.startsWith("predictions/"))
      .map(({ name }) => named(run, name)),
    evaluations,
  };
}

interface TableProps {
  readonly table: ReportTable;
  readonly runs: readonly StudyRun[];
  readonly names: ReadonlyMap<string, string>;
}

/** A table without a figure is there to be opened. */
function Folded(props: TableProps) {
  if (!isAllSmall(props.table)) return <OneTable {...props} />;
  return (
    <details>
      <summary>{props.table.title}: every figure is too small</summary>
      <OneTable {...props} />
    </details>
  );
}

function OneTable({ table: { id, title, note, header, rows }, runs, names }: TableProps) {
  const linked = rows.some(({ sources }) => sources.length > 0);
  return (
    <section data-table={id}>
      <h3>{title}</h3>
      <Scrolled name={title}>
        <table>
          <thead>
            <tr>
              {header.map((text) => (
                <th key={text} scope="col">
                  {text}
                </th>
              ))}
              {linked ? <th scope="col">runs</th> : null}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ cells: [first, ...rest], sources }, i) => (
              <tr key={i}>
                <th scope="row" class="long">
                  <Text cell={first!} />
                </th>
                {rest.map((cell, k) => (
                  <td key={k} class={cell.text.length > 28 && !cell.text.includes("[") ? "long" : undefined}>
                    <Text cell={cell} />
                  </td>
                ))}
                {linked ? (
                  <td class="long">
                    <Sources sources={sources} runs={runs} names={names} />
                  </td>
                ) : null}
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolled>
      <p class="soft">{note}</p>
    </section>
  );
}

function Text({ cell: { text, bold } }: { readonly cell: TableCell }) {
  return bold ? (
    <strong>
      <Breakable text={text} />
    </strong>
  ) : (
    <Breakable text={text} />
  );
}

/** Links to the runs that a row is of; of several configurations with their names. */
function Sources({
  sources,
  runs,
  names,
}: Omit<TableProps, "table"> & { readonly sources: readonly string[] }) {
  const own = runs.filter(({ cell, run }) =>
    sources.some((source) => `${source}/`.startsWith(`${cell}/seed_${run.run.seed}/`)),
  );
  own.sort((a, b) => (a.cell === b.cell ? a.run.run.seed - b.run.run.seed : 0)); // the cells stay in their order
  const several = new Set(own.map(({ cell }) => cell)).size > 1;
  return (
    <span class="runs-seeds">
      {own.map(({ cell, run: { id, place, run } }) => (
        <a key={id} href={formatAddress({ view: "runs", thing: id, choices: {} })} title={place}>
          {several ? `${names.get(cell)}, ` : ""}seed {run.seed}
        </a>
      ))}
    </span>
  );
}

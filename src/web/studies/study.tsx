// ◇ Browser-safe. A study: its journal, its summary and tables as its report has them, and its runs as all runs are shown.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { AppError } from "../../core/errors.ts";
import { ROUTES, type StudyFacts, type Thing } from "../../server/api.ts";
import { shortNames } from "../../studies/report/short-names.ts";
import type { Study } from "../../studies/study.ts";
import { formatAddress } from "../app/address.ts";
import { faultOf, getJson, listing } from "../app/source.ts";
import { runsBelow } from "../home/facts.ts";
import { FaultNote } from "../parts/fault.tsx";
import { Compared } from "../runs/compared.tsx";
import { configurations, hasPredictions, namesOf, type Run, readable } from "../runs/configurations.ts";
import { Overlay } from "../runs/curves.tsx";
import { RunsTable } from "../runs/table.tsx";
import { Journal } from "./journal.tsx";
import { type StudyRun, StudyTables } from "./tables.tsx";

interface StudyProps {
  readonly study: Thing & { readonly study: StudyFacts };
}

/** The page of a study. */
export function StudyPage({ study: thing }: StudyProps) {
  const { id, place, study } = thing;
  const plan = useSignal<Study | undefined>(undefined);
  const fault = useSignal<AppError | undefined>(undefined);
  useEffect(() => {
    let current = true;
    getJson<Study>(ROUTES.file(id, "study.json")).then(
      (found) => {
        if (current) plan.value = found;
      },
      (error: unknown) => {
        if (current) fault.value = faultOf(error);
      },
    );
    return () => {
      current = false;
    };
  }, [id]);
  const runs = readable(runsBelow(place, listing.value?.things ?? []));
  const done = runs.filter(hasPredictions).length;
  return (
    <>
      <p>
        <a href={formatAddress({ view: "runs", choices: {} })}>All runs</a>
      </p>
      <h1>Study {study.name}</h1>
      <p>{study.about}</p>
      <p>
        <label>
          {done} of {study.runs} runs have predicted{" "}
          <progress max={study.runs} value={done}>
            {done} of {study.runs}
          </progress>
        </label>{" "}
        {configurations(runs).length} of {study.cells} configurations.
      </p>
      {fault.value === undefined ? null : <FaultNote fault={fault.value} />}
      {plan.value === undefined ? null : <Planned study={thing} plan={plan.value} runs={runs} />}
    </>
  );
}

interface PlannedProps {
  readonly study: Thing;
  readonly plan: Study;
  readonly runs: readonly Run[];
}

function Planned({ study, plan, runs }: PlannedProps) {
  const names = shortNames(plan.cells);
  // A run lies in the folder of its configuration.
  const cellOf = ({ place }: Run) => place.split(/[\\/]/).at(-2) ?? "";
  const own: readonly StudyRun[] = runs.map((run) => ({ cell: cellOf(run), run }));
  const runOf = (cell: string, seed: number) =>
    own.find((one) => one.cell === cell && one.run.run.seed === seed)?.run.id;
  const all = configurations(runs);
  const others = namesOf(all);
  const byId = new Map(
    all.map(({ id, runs: [first] }) => [id, names.get(cellOf(first!)) ?? others.get(id)!]),
  );
  return (
    <>
      {listing.value?.writes ? <Journal id={study.id} plan={plan} names={names} runOf={runOf} /> : null}
      <StudyTables study={study} plan={plan} runs={own} names={names} />
      {runs.length === 0 ? null : (
        <>
          <h2>Runs</h2>
          <RunsTable runs={runs} names={byId} />
          <Overlay runs={runs} names={byId} />
          <Compared runs={runs} names={byId} />
        </>
      )}
    </>
  );
}

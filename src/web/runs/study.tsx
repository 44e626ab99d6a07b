// ◇ Browser-safe. A study: how many of its runs are done, and the table, curves and comparison of those that are here.
import type { StudyFacts, Thing } from "../../server/api.ts";
import { formatAddress } from "../app/address.ts";
import { listing } from "../app/source.ts";
import { runsBelow } from "../home/facts.ts";
import { Compared } from "./compared.tsx";
import { configurations, hasPredictions, namesOf, readable } from "./configurations.ts";
import { Overlay } from "./curves.tsx";
import { RunsTable } from "./table.tsx";

interface StudyProps {
  readonly study: Thing & { readonly study: StudyFacts };
}

/** The page of a study. */
export function StudyPage({ study: { place, study } }: StudyProps) {
  const runs = readable(runsBelow(place, listing.value?.things ?? []));
  const names = namesOf(configurations(runs));
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
        {runs.length - done} under way or stopped, {study.runs - runs.length} not begun;{" "}
        {configurations(runs).length} of {study.cells} configurations.
      </p>
      <p class="soft">
        What is running and what failed: <code>npx --no facehand study status {place}</code>; its tables and
        comparisons: <code>npx --no facehand study report {place}</code>.
      </p>
      {runs.length === 0 ? null : (
        <>
          <RunsTable runs={runs} names={names} />
          <Overlay runs={runs} names={names} />
          <Compared runs={runs} names={names} />
        </>
      )}
    </>
  );
}

// ◇ Browser-safe. Runs: all of them as a table, one of them, or a study; by what the address names.
import { address } from "../app/address.ts";
import { useKeys } from "../app/keys.ts";
import { listing, loadListing, thingOf } from "../app/source.ts";
import { FaultNote } from "../parts/fault.tsx";
import { StudyPage } from "../studies/study.tsx";
import { Compared } from "./compared.tsx";
import { configurations, namesOf, readable } from "./configurations.ts";
import { Overlay } from "./curves.tsx";
import { RunPage } from "./run-page.tsx";
import { RunsTable } from "./table.tsx";

/** The view. */
export function RunsView() {
  useKeys([{ keys: ["r"], does: "read runs and predictions again", run: () => void loadListing() }]);
  const thing = thingOf(address.value.thing);
  const runs = readable(listing.value?.things ?? []);
  const run = runs.find(({ id }) => id === thing?.id);
  if (run !== undefined) return <RunPage run={run} />;
  if (thing?.study !== undefined) return <StudyPage study={{ ...thing, study: thing.study }} />;
  const names = namesOf(configurations(runs));
  return (
    <>
      <h1>Runs</h1>
      {thing?.trouble === undefined ? null : <FaultNote fault={thing.trouble} />}
      {address.value.thing !== undefined && thing === undefined ? (
        <p class="trouble">Expected a run or study that is here, got an address of another.</p>
      ) : null}
      {runs.length === 0 ? (
        <p>
          No run was found. <code>npx --no facehand train --help</code> says how one is made.
        </p>
      ) : (
        <>
          <RunsTable runs={runs} names={names} />
          <Overlay runs={runs} names={names} />
          <Compared runs={runs} names={names} />
        </>
      )}
    </>
  );
}

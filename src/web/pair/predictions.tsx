// ◇ Browser-safe. What runs predicted of a pair: folded, since a file of each run is read for it.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { THRESHOLD } from "../../evaluate/metrics/binary.ts";
import { counted } from "../../report/figure-text.ts";
import { formatAddress } from "../app/address.ts";
import { thingsOf } from "../app/source.ts";
import { Scrolled } from "../parts/scrolled.tsx";
import { openPredictions, type Predicted, predictionFiles } from "../table/predictions.ts";

/** A run that has the pair. */
interface Found {
  readonly run: string;
  readonly place: string;
  readonly split: string;
  readonly hand?: Predicted | undefined;
  readonly face?: Predicted | undefined;
}

/** The table of runs. */
export function Predictions({ id }: { readonly id: string }) {
  const open = useSignal(false);
  const runs = thingsOf("run").filter((run) => predictionFiles(run).length > 0);
  if (runs.length === 0) return null;
  return (
    <details
      class="pair-part"
      open={open.value}
      onToggle={({ currentTarget }) => {
        open.value = currentTarget.open;
      }}
    >
      <summary>
        <h3>Predictions of {counted(runs.length, "run")}</h3>
      </summary>
      {open.value ? <FoundRuns id={id} /> : null}
    </details>
  );
}

function FoundRuns({ id }: { readonly id: string }) {
  const found = useSignal<readonly Found[]>([]);
  const left = useSignal(-1);
  useEffect(() => {
    let current = true;
    found.value = [];
    const files = thingsOf("run").flatMap((run) => predictionFiles(run).map((name) => ({ run, name })));
    left.value = files.length;
    for (const { run, name } of files) {
      void openPredictions(run, name)
        .then((table) => {
          const rows = table.find([`${id}/hand`, `${id}/face`]);
          const [hand, face] = [rows.get(`${id}/hand`), rows.get(`${id}/face`)];
          const split = (hand ?? face)?.split;
          if (current && split !== undefined)
            found.value = [...found.peek(), { run: run.id, place: run.place, split, hand, face }];
        })
        .catch(() => undefined) // a run that cannot be read is named on the page of runs
        .finally(() => {
          if (current) left.value--;
        });
    }
    return () => {
      current = false;
    };
  }, [id]);
  const shown = found.value.toSorted((a, b) => (a.place < b.place ? -1 : 1));
  return (
    <>
      {left.value > 0 ? <p class="soft">Reading predictions, {left.value} left …</p> : null}
      {left.value === 0 && shown.length === 0 ? <p class="soft">No run has this pair.</p> : null}
      {shown.length === 0 ? null : (
        <Scrolled name="Predictions">
          <table class="pair-predictions">
            <caption>Probability of male as recorded in the training labels</caption>
            <thead>
              <tr>
                <th scope="col">Run</th>
                <th scope="col">Split</th>
                <th scope="col">Hand</th>
                <th scope="col">Face</th>
              </tr>
            </thead>
            <tbody>
              {shown.map(({ run, place, split, hand, face }) => (
                <tr key={`${run} ${split}`}>
                  <th scope="row">
                    <a href={formatAddress({ view: "runs", thing: run, choices: {} })}>{place}</a>
                  </th>
                  <td>{split}</td>
                  <td>{shownOf(hand)}</td>
                  <td>{shownOf(face)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrolled>
      )}
    </>
  );
}

function shownOf(one: Predicted | undefined) {
  if (one === undefined) return <span class="soft">none</span>;
  const differs = !Number.isNaN(one.target) && one.probability >= THRESHOLD !== (one.target === 1);
  return (
    <>
      {one.probability.toFixed(3)} {differs ? <strong class="trouble">✗ not as recorded</strong> : null}
    </>
  );
}

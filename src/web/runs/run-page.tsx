// ◇ Browser-safe. One run: what it is, its curves as they grow, figures of its predictions, and its worst mistakes.
import { useEffect, useState } from "preact/hooks";
import { choose, formatAddress } from "../app/address.ts";
import { useKeys } from "../app/keys.ts";
import { day } from "../home/facts.ts";
import { Breakable } from "../parts/breakable.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { rowsOf } from "./answers.ts";
import { backboneOf, hasPredicted, PREDICTED, type Run } from "./configurations.ts";
import { Figures } from "./figures.tsx";
import { openLog } from "./live.ts";
import { ConfusionTables, MetricsTable } from "./metrics.tsx";
import { chosenFigure } from "./table.tsx";
import { WorstMistakes } from "./worst.tsx";

/** The page of a run. */
export function RunPage({ run }: { readonly run: Run }) {
  const { place, changed, run: facts } = run;
  const { arch, tag, seed, imageSize, epochs, sources } = facts;
  return (
    <>
      <p>
        <a href={formatAddress({ view: "runs", choices: {} })}>All runs</a>
      </p>
      <h1>
        <Breakable text={place} />
      </h1>
      <p>
        {arch.toUpperCase()} on {backboneOf(tag)},{" "}
        <code>
          <Breakable text={tag} />
        </code>
        , seed {seed}, {imageSize} px, {epochs.planned} epochs, learnt from{" "}
        {sources.map(({ kind, name }) => `${kind}:${name}`).join(", ")}. Changed {day(changed)}.
      </p>
      <RunCurves key={run.changed} run={run} />
      <Predicted run={run} />
    </>
  );
}

/** What training is measured with. */
const imagesOf = (tag: string) => (/_An(_|$)/.test(tag) ? "images as they are" : undefined);

function RunCurves({ run }: { readonly run: Run }) {
  const [opened, setOpened] = useState<ReturnType<typeof openLog>>();
  useEffect(() => {
    const own = openLog(run);
    setOpened(own);
    return own.close;
  }, []);
  if (opened === undefined) return null;
  const { epochs, live, fault } = opened.log.value;
  const { done, planned } = { done: epochs.length, planned: run.run.epochs.planned };
  return (
    <section>
      <h2>Curves</h2>
      {fault === undefined ? null : <FaultNote fault={fault} />}
      <p aria-live="polite">
        Epoch {done} of {planned}
        {live ? "; training goes on, or was stopped" : ""}.
      </p>
      {done === 0 ? null : (
        <Figures make={(plots) => plots.runCurves(epochs, imagesOf(run.run.tag))} of={[epochs]} />
      )}
    </section>
  );
}

function Predicted({ run }: { readonly run: Run }) {
  const splits = PREDICTED.filter((split) => hasPredicted(run, split));
  const { split: wanted } = chosenFigure();
  const split = splits.find((one) => one === wanted) ?? splits[0];
  const next = () => choose({ split: [splits[(splits.indexOf(split!) + 1) % splits.length]!] });
  useKeys(splits.length < 2 ? [] : [{ keys: ["s"], does: "show the next split", run: next }]);
  if (split === undefined)
    return (
      <p>
        Nothing was predicted yet; press <kbd>r</kbd> to check again.
      </p>
    );
  return (
    <section>
      <h2>Predictions of {split}</h2>
      <div class="runs-tools">
        {splits.map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={one === split}
            onClick={() => choose({ split: [one] })}
          >
            {one}
          </button>
        ))}
      </div>
      <OfSplit key={split} run={run} split={split} />
    </section>
  );
}

function OfSplit({ run, split }: { readonly run: Run; readonly split: string }) {
  const { value, fault } = rowsOf(run, split).value;
  if (fault !== undefined) return <FaultNote fault={fault} />;
  if (value === undefined)
    return <p class="soft">Computing figures and intervals over subjects, 2,000 draws …</p>;
  const { rows, summary } = value;
  return (
    <>
      <MetricsTable summary={summary} />
      <ConfusionTables rows={rows} summary={summary} />
      <Figures make={(plots) => plots.predictionFigures(rows, summary)} of={[value]} />
      <WorstMistakes run={run} rows={rows} summary={summary} />
    </>
  );
}

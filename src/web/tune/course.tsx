// ◇ Browser-safe. A training as it goes on, and what came of it: progress, curves, figures of validation images, the files.
import { useComputed } from "@preact/signals";
import { count, LABEL_NOTE } from "../../report/figure-text.ts";
import { learnerOf } from "../../train/head/plan.ts";
import { formatEpoch } from "../../train/runlog.ts";
import { FaultNote } from "../parts/fault.tsx";
import { Figures } from "../runs/figures.tsx";
import { ConfusionTables, MetricsTable } from "../runs/metrics.tsx";
import { cardOf, seenNote } from "./card.ts";
import type { Tuned } from "./messages.ts";
import { type Progress, progress } from "./session.ts";

/** How far the training is, and its result. */
export function Course() {
  const now = progress.value;
  const epochs = useComputed(() => progress.value?.epochs).value;
  if (now === undefined) return null;
  return (
    <section class="tune-course" aria-label="Training">
      <h2>Training on {now.place}</h2>
      <p role="status" aria-live="polite">
        {wordsOf(now)}
      </p>
      {now.features === undefined ? null : (
        <p>
          <progress
            aria-label="Features"
            max={now.features.of}
            value={now.features.made + now.features.read}
          />{" "}
          Features: {count(now.features.made)} computed, {count(now.features.read)} stored before, of{" "}
          {count(now.features.of)}
        </p>
      )}
      {now.pictures === undefined ? null : (
        <p>
          <progress aria-label="Pictures" max={now.pictures.of} value={now.pictures.read} /> Pictures:{" "}
          {count(now.pictures.read)} of {count(now.pictures.of)} read
        </p>
      )}
      {now.runtime === undefined ? null : <p class="soft">{now.runtime}</p>}
      {now.fault === undefined ? null : <FaultNote fault={now.fault} />}
      {now.step === undefined ? null : (
        <p class="tune-step">
          Epoch {now.epochs.length + 1}: step {count(now.step.step)} of {count(now.step.of)}, loss{" "}
          {now.step.loss.toFixed(4)}
        </p>
      )}
      {epochs === undefined || epochs.length === 0 ? null : (
        <>
          <p class="tune-epoch">{formatEpoch(epochs.at(-1)!, now.config?.epochs ?? epochs.length)}</p>
          <Figures make={(plots) => plots.runCurves(epochs, imagesOf(now))} of={[epochs]} />
        </>
      )}
      {now.tuned === undefined ? null : <Result tuned={now.tuned} />}
    </section>
  );
}

/** What training is measured with. */
const imagesOf = ({ config }: Progress): string | undefined =>
  config !== undefined && learnerOf(config) === "head" ? "images as they are" : undefined;

function wordsOf({ phase, config, tuned }: Progress): string {
  if (phase === "loading") return "Loading the model …";
  if (phase === "features") return "Features of the pictures …";
  if (phase === "pictures") return "Reading the pictures …";
  if (phase === "training")
    return config !== undefined && learnerOf(config) === "all" ? "All layers learn …" : "The head learns …";
  if (phase === "stopping") return "Stopping after the step under way …";
  if (phase === "stopped")
    return `Stopped. Start continues where it was.${tuned === undefined ? "" : " Below is the best epoch so far."}`;
  return phase === "done" ? "Trained." : "Not trained.";
}

function Result({ tuned }: { readonly tuned: Tuned }) {
  const { rows, summary, facts, place, ended } = tuned;
  const seen = seenNote(tuned);
  const name = `${place.split("/").at(-1)}.${facts.tag}`;
  return (
    <>
      <h2>The best epoch{ended ? "" : " so far"}, on validation images</h2>
      <p class="soft">{LABEL_NOTE} These images chose the epoch: figures of other people are lower.</p>
      {seen === undefined ? null : <p class="note">{seen}</p>}
      <p>
        <button type="button" onClick={() => save(`${name}.safetensors`, tuned.checkpoint as BlobPart)}>
          Save the checkpoint
        </button>{" "}
        <button type="button" onClick={() => save(`${name}.md`, cardOf(tuned))}>
          Save its card
        </button>
      </p>
      <MetricsTable summary={summary} />
      <ConfusionTables rows={rows} summary={summary} />
      <Figures make={(plots) => plots.predictionFigures(rows, summary)} of={[tuned]} />
    </>
  );
}

function save(name: string, part: BlobPart): void {
  const url = URL.createObjectURL(new Blob([part]));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

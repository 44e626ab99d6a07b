// The demo's report: one HTML file that needs nothing else, from stored predictions, logs and manifests.
// Invariants: it states that the sample is drawn and that the label is apparent; it refuses data that is not drawn,
// since it shows pictures; the same input gives the same bytes; no script, nothing of another file, and no links but to the texts of law.

import { unexpected } from "../core/errors.ts";
import type { Modality, Pair } from "../core/words.ts";
import { LAW_NOTE } from "../dataset/law.ts";
import type { Manifest } from "../dataset/manifest.ts";
import type { SampleManifest } from "../drawn/sample.ts";
import { THRESHOLD } from "../evaluate/metrics/binary.ts";
import type { ImagePrediction } from "../predict/predictor.ts";
import { LABEL_NOTE } from "./figure-text.ts";
import { html, linked, type Markup, table, trusted } from "./markup.ts";
import { type ReportRun, runSection } from "./run.ts";
import { REPORT_CSS } from "./style.ts";

/** One pair of the contact sheet. */
export interface ReportPair {
  readonly pair: Pick<Pair, "gender" | "age" | "race" | "gesture">;
  /** JPEG bytes of the crops. */
  readonly hand: Uint8Array;
  readonly face: Uint8Array;
}

/** One picture with each model's prediction. */
export interface ReportPicture {
  readonly jpeg: Uint8Array;
  /** As the commands name it. */
  readonly path: string;
  readonly modality: Modality;
  readonly pair: Pick<Pair, "gender" | "gesture">;
  readonly answers: readonly { readonly model: string; readonly answer: ImagePrediction }[];
}

export interface DemoReportInput {
  readonly sample: SampleManifest;
  readonly dataset: Manifest;
  readonly pairs: readonly ReportPair[];
  readonly runs: readonly ReportRun[];
  readonly pictures: readonly ReportPicture[];
  /** Shell lines that repeat the demo step by step. */
  readonly commands: readonly string[];
  /** Names and versions of everything that took part. */
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * The report as one HTML document.
 *
 * @throws AppError("data", "NOT_DRAWN") if the dataset is not derived from the drawn sample
 * @example await writeAtomic("demo/report.html", demoReport(input))
 */
export function demoReport(input: DemoReportInput): string {
  if (!input.dataset.drawn) {
    throw unexpected("data", {
      code: "NOT_DRAWN",
      expected: "pairs derived from the drawn sample",
      name: "the demo's report",
      got: "real pictures",
      hint: "pictures of people do not belong into a report; use `facehand evaluate`",
    });
  }
  const title = "facehand demo: drawn faces and hands";
  return `<!doctype html>\n${
    html`<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${trusted(REPORT_CSS)}</style></head>
<body><main>
${[
  opening(input),
  dataSection(input),
  html`<h2>Models</h2><p>Both are tiny and trained from random weights on the drawn training pairs, so that the demo takes
minutes. The epoch with the best validation balanced accuracy is kept; the test pictures chose nothing.</p>`,
  ...input.runs.map(runSection),
  pictureSection(input.pictures),
  repeatSection(input),
]}
</main></body></html>`.text
  }\n`;
}

function opening({ sample, dataset, runs }: DemoReportInput): Markup {
  const { pairs, kept, frames } = dataset.counts;
  const best = runs.map(({ name, summary }) => ({ name, value: summary.overall.metrics.balancedAccuracy }));
  return html`<header><h1>facehand demo</h1>
<p class="soft">From raw frames to aligned face–hand pairs, two trained models, figures and predictions,
on a sample drawn by this program.</p>
<div class="note"><p><strong>Nobody here is real.</strong> ${sample.note}</p>
<p><strong>The label is not identity.</strong> ${LABEL_NOTE} Here it was invented with the drawing. Every figure below is
agreement with that label.</p><p>${linked(LAW_NOTE)}</p></div></header>
<div class="tiles">${[
    tile(frames, "drawn frames"),
    tile(kept, "face–hand pairs"),
    tile(`${pairs.train} / ${pairs.val} / ${pairs.test}`, "train / validation / test"),
    ...best.map(({ name, value }) => tile(value?.toFixed(3) ?? "-", `${name}: test balanced accuracy`)),
  ]}</div>`;
}

const tile = (value: string | number, label: string) =>
  html`<div class="tile"><b>${value}</b><span>${label}</span></div>`;

function dataSection({ sample, dataset, pairs }: DemoReportInput): Markup {
  const { frames, kept, removed, pairs: counts, subjects } = dataset.counts;
  const reasons = Object.entries(removed).filter(([, n]) => n > 0);
  const bad = Object.keys(sample.bad).length;
  return html`<h2>Pairs</h2>
<p>One pair each of ${pairs.length} subjects of the training split: hand on the left, face on the right, with the recorded
gesture, label, age and skin-tone class.</p>
<div class="sheet">${pairs.map(sheetPair)}</div>
<h3>The ledger</h3>
<p>Every frame is kept, or removed with a reason. ${bad} frames were drawn bad on purpose; some are still usable.</p>
${table(
  ["frames", "count"],
  [
    ["all", frames],
    ["kept", kept],
    ...reasons.map(([reason, n]) => [`removed: ${reason.replaceAll("_", " ")}`, n]),
  ],
)}
${table(
  ["split", "pairs", "subjects"],
  (["train", "val", "test"] as const).map((split) => [split, counts[split], subjects[split]]),
  "No subject is in two splits.",
)}`;
}

function sheetPair({ pair, hand, face }: ReportPair): Markup {
  const { gesture, gender, age, race } = pair;
  const text = [gesture.replaceAll("_", " "), gender, age, race].filter((part) => part !== "").join(", ");
  return html`<figure><div class="pair">${picture(hand, `drawn hand: ${text}`)}${picture(face, `drawn face: ${text}`)}</div>
<figcaption>${text}</figcaption></figure>`;
}

function picture(jpeg: Uint8Array, alt: string): Markup {
  const data = Buffer.from(jpeg).toString("base64");
  return html`<img alt="${alt}" src="data:image/jpeg;base64,${data}">`;
}

function pictureSection(pictures: readonly ReportPicture[]): Markup {
  return html`<h2>Two predictions</h2>
<p>One hand of the first test pair and one face of the last. The output is the probability of male as recorded in the
training labels; from 0.5 on the decision is male.</p>
<div class="predictions">${pictures.map(onePicture)}</div>`;
}

function onePicture({ jpeg, modality, pair, answers }: ReportPicture): Markup {
  const rows = answers.map(({ model, answer }) => {
    const { probability, modalityUsed, gateHand } = answer;
    const how = gateHand === null ? "was given" : `its gate gave the hand head ${percent(gateHand)}, so:`;
    const used = modalityUsed === null ? "" : ` (${how} ${modalityUsed})`;
    return html`<dt>${model}</dt><dd><div class="bar" aria-hidden="true"><i style="width:${(100 * probability).toFixed(1)}%"></i></div>
${probability.toFixed(3)}, so ${probability >= THRESHOLD ? "male" : "female"} <span class="soft">${used}</span></dd>`;
  });
  return html`<section class="prediction">${picture(jpeg, `drawn ${modality}`)}
<div><strong>A drawn ${modality}</strong><dl><dt>recorded</dt><dd>${pair.gender}, ${pair.gesture.replaceAll("_", " ")}</dd>${rows}</dl></div>
</section>`;
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

function repeatSection({ commands, versions, sample, dataset, runs }: DemoReportInput): Markup {
  const hash = (text: string) => html`<code>${text.slice(0, 16)}</code>`;
  const seeds = [
    ["sample", sample.seed],
    ["split by subject", dataset.selection.seed],
    ...runs.map(({ name, config }) => [`training of ${name}`, config.seed]),
  ];
  return html`<h2>To repeat it</h2>
<p>Same seeds and versions, same pictures and pairs, byte for byte. Step by step:</p>
<pre>${commands.join("\n")}</pre>
${table(
  ["", "seed"],
  seeds.map(([what = "", seed = ""]) => [what, seed]),
  "Seeds",
)}
${table(
  ["", "version"],
  [
    ...Object.entries(versions),
    ["recipe of the crops", hash(dataset.recipeHash)],
    ["derivation", hash(dataset.derivationHash)],
  ],
  "Versions",
)}`;
}

// ◇ Browser-safe. The card of what was trained in a page, as Markdown: what it is, what it learnt from, how it was chosen.
// Invariant: every number comes from the training; figures of few subjects are shown as the page shows them.
import { markdownCode, markdownText } from "../../core/markdown-text.ts";
import { flagOf } from "../../core/words.ts";
import { LAW_TEXT, lawMarkdown } from "../../dataset/law.ts";
import { count, LABEL_NOTE } from "../../report/figure-text.ts";
import { type Learner, learnerOf } from "../../train/head/plan.ts";
import { bestEpoch, formatPart } from "../../train/runlog.ts";
import type { Tuned } from "./messages.ts";

/** Settings that `train` has to be given for the same. */
const SETTINGS = [
  "seed",
  "epochs",
  "patience",
  "batch",
  "lr",
  "weightDecay",
  "imageSize",
  "pixels",
  "padding",
] as const;

const MADE: Readonly<Record<Learner, (model: string) => string>> = {
  head: (model) => `A head on the frozen backbone of ${model}`,
  all: (model) => `All layers, from the backbone of ${model} and with new heads`,
};

/** Why figures may be too good; undefined where nothing is known against them. */
export function seenNote({ facts }: Pick<Tuned, "facts">): string | undefined {
  const before = facts.trainedOn.slice(0, -1);
  if (before.length === 0) return undefined;
  const images = before.reduce((sum, source) => sum + source.images, 0);
  return `The backbone learnt from ${count(images)} images before: people who validate here may be among them, and then the figures are too good.`;
}

/** The card. */
export function cardOf(tuned: Tuned): string {
  const { facts, config, log, counts, summary, modelName, place, runtime, ended } = tuned;
  const best = bestEpoch(log);
  const { all, hand, face } = best.val;
  const seen = seenNote(tuned);
  const flags = SETTINGS.flatMap((name) =>
    config[name] === undefined ? [] : [`${flagOf(name)} ${config[name]}`],
  );
  return [
    `# Model card: ${markdownText(facts.tag)}`,
    "",
    `> ${LABEL_NOTE} This model predicts what such recorders would write about a picture of a hand or a face, with their errors.`,
    "",
    "## Model",
    "",
    `${MADE[learnerOf(config)](markdownCode(modelName))}, trained in a browser by ${markdownText(runtime)}; nothing was uploaded.`,
    ...(ended ? [] : [`It was stopped after ${log.length} of at most ${config.epochs} epochs.`]),
    `Its output is the ${facts.output}; male from ${facts.threshold} on.`,
    "",
    `Settings, as flags of ${markdownCode("facehand train")}: ${markdownCode(`--tag ${config.tag} ${flags.join(" ")}`)}.`,
    "",
    "## Data",
    "",
    `Pictures of ${markdownText(place)}: ${count(counts.train.images)} images of ${count(counts.train.subjects)} subjects to learn from, ` +
      `${count(counts.val.images)} of ${count(counts.val.subjects)} others to validate.`,
    ...(seen === undefined ? [] : ["", seen]),
    "",
    "## Validation",
    "",
    `Balanced accuracy of epoch ${best.epoch} of ${log.length}, chosen by this figure, which is therefore better than that of other people: ` +
      `hand ${formatPart(hand)}, face ${formatPart(face)}, all ${(all.balancedAccuracy ?? all.accuracy).toFixed(4)}` +
      `${summary.overall.few.includes("balancedAccuracy") ? " (\\*: few subjects)" : ""}.`,
    "",
    "Not for: deciding anything about a person. The label is apparent, as recorded, and never identity.",
    "",
    "## Law",
    "",
    ...LAW_TEXT.map((text) => `- ${lawMarkdown(text)}`),
    "",
  ].join("\n");
}

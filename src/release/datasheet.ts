// The datasheet of a dataset: the sections of Gebru et al., Datasheets for Datasets (CACM 2021), answered from its
// tables and manifest. Invariant: numbers come from DatasetFacts; what is not known is declared as not known.
import { markdownText, markdownUrl } from "../core/markdown-text.ts";
import { LAW_TEXT, lawMarkdown } from "../dataset/law.ts";
import type { Manifest } from "../dataset/manifest.ts";
import { LABEL_NOTE } from "../dataset/show.ts";
import { fewNote, LOSS_COLUMNS, LOSS_NOTES, lossTables } from "../report/ledger/cells.ts";
import type { Losses } from "../report/ledger/losses.ts";
import { answersOf } from "./answers.ts";
import type { Answers, DatasetFacts, ReleaseInfo } from "./facts.ts";
import { LICENCE_TEXTS } from "./licence.ts";
import { countsTable, paragraphs, tableOf } from "./markdown.ts";
import { ASKED_SECTIONS, type AskedSection } from "./questions.ts";

/**
 * The datasheet as Markdown.
 *
 * @param losses - rates of a ledger, where there is one
 */
export function datasheet(info: ReleaseInfo, facts: DatasetFacts, losses?: Losses): string {
  const sections: readonly (readonly [string, readonly string[], (readonly string[])?])[] = [
    ["Motivation", motivation(info, facts)],
    ["Composition", composition(facts)],
    ["Collection process", paragraphs(...collection(info, facts))],
    ["Preprocessing, cleaning, labelling", preprocessing(info, facts), ["", ...lossLines(losses)]],
    ["Uses", [...uses(), "", ...paragraphs(...LAW_TEXT.map(lawMarkdown))]],
    ["Distribution", distribution(info)],
    ["Maintenance", maintenance(info)],
  ];
  const body = sections.flatMap(([title, lines, after = []]) => {
    const answers = isAsked(title) ? answersOf(title, info, facts) : [];
    const more = answers.length === 0 ? [] : ["", ...paragraphs(...answers)];
    return ["", `## ${title}`, "", ...lines, ...more, ...after];
  });
  return [`# Datasheet: ${markdownText(info.name)} ${info.version}`, ...body, ""].join("\n");
}

const isAsked = (title: string): title is AskedSection =>
  (ASKED_SECTIONS as readonly string[]).includes(title);

/** The note about labels as a sentence of its own. */
export const LABEL_SENTENCE = `${LABEL_NOTE[0]!.toUpperCase()}${LABEL_NOTE.slice(1)}.`;

function motivation({ creator }: ReleaseInfo, { manifest }: DatasetFacts): string[] {
  return paragraphs(
    "For research on models that predict apparent sex from a hand or from a face of the same person, and on how their " +
      "errors are spread over recorded groups.",
    `Made by ${markdownText(creator)}${manifest === undefined ? "" : " with facehand derive"}.`,
  );
}

function composition(facts: DatasetFacts): string[] {
  const { pairs, subjects, perSubject, size, unknown, counts, notes, groups, smallGroups } = facts;
  const { min, median, max } = perSubject;
  return [
    ...paragraphs(
      `${pairs} pairs of ${subjects} subjects. A pair is one crop of a face and one crop of a hand, ${size} px, cut from ` +
        `one photograph. A subject has ${min} to ${max} pairs, median ${median}. Subjects are in one split only.`,
    ),
    "",
    ...countsTable(counts),
    "",
    ...paragraphs(
      `${smallGroups} of these ${groups} groups are too small to compare. Pairs without a recorded age: ${unknown.age}; ` +
        `without a recorded race: ${unknown.race}.`,
      `${LABEL_SENTENCE} Age and race are apparent labels too.`,
      `The check before publication found ${notes.serious} serious faults, ${notes.warning} warnings and ${notes.note} ` +
        "notes (labels of one subject that differ between its pairs, near-duplicates within a split, and the like).",
      facts.manifest?.drawn === true
        ? "Nobody in it is real: every picture is drawn by a program."
        : "It shows faces: the people in it can be recognised. Treat it as personal data.",
    ),
  ];
}

function collection({ answers }: ReleaseInfo, { manifest }: DatasetFacts): string[] {
  if (manifest?.drawn === true)
    return [`${manifest.counts.frames} drawings of invented people, by facehand data sample.`];
  const source =
    "The photographs are HaGRID's: taken by crowd workers of themselves, at their own devices, for pay, as its authors " +
    "describe (https://arxiv.org/abs/2206.08219). Nobody was contacted for this derivation.";
  if (manifest === undefined && answers?.derivation !== undefined)
    return [source, "This dataset has no manifest: how it was derived is what its publisher states below."];
  if (manifest === undefined)
    return [source, "This dataset has no manifest: how it was derived is not recorded."];
  const files = Object.keys(manifest.source.annotations).length;
  const { frames } = manifest.counts;
  return [source, `${frames} photographs were read, from ${files} annotation files (hashes: manifest.json).`];
}

function preprocessing({ answers }: ReleaseInfo, { manifest, size }: DatasetFacts): string[] {
  if (manifest === undefined)
    return [answers?.derivation === undefined ? "Not recorded." : "As its publisher states:"];
  const { recipe, counts, selection, repaired, retracted } = manifest;
  const removed = Object.entries(counts.removed).filter(([, count]) => count > 0);
  return [
    ...paragraphs(
      `Faces were found by ${markdownText(recipe.detector.name)} and aligned (${markdownText(recipe.face.template)}, padding ${recipe.face.padding}). ` +
        `Hands were cut as ${markdownText(recipe.hand.crop)}: ${handSources(manifest)}. Crops are ${size} px, JPEG quality ` +
        `${recipe.jpeg.quality}. The whole recipe is in manifest.json, its SHA-256 is ${markdownText(manifest.recipeHash)}.`,
      `${counts.kept} of ${counts.frames} photographs were kept; the ledger has a row and a reason for each of the others.`,
    ),
    ...(counts.decisions.frames === 0
      ? []
      : [
          "",
          ...paragraphs(
            `People decided about ${counts.decisions.frames} photographs by hand; the ledger has what, and who as A1, A2 and so on.`,
          ),
        ]),
    "",
    ...(removed.length === 0
      ? []
      : [
          ...tableOf(
            ["removed because of", "photographs"],
            removed.map(([why, n]) => [why, String(n)]),
          ),
          "",
        ]),
    ...paragraphs(
      `Splits are by subject (${markdownText(String(selection.splits))}, seed ${selection.seed}).`,
      ...(repaired === undefined
        ? []
        : [`The tables were repaired after derivation: ${repaired.changes} changes.`]),
      ...(retracted === undefined
        ? []
        : [
            `Taken out after derivation, at their wish or for another reason that the changelog states: ${retracted.subjects} subjects with ${retracted.frames} photographs.`,
          ]),
      labelSources(manifest),
    ),
  ];
}

/** Who is lost on the way from photographs to pairs. */
function lossLines(losses: Losses | undefined): string[] {
  const title = "### Failure to acquire and removal, by group";
  if (losses === undefined)
    return [title, "", "Not recorded: there is no ledger of all photographs and their subjects."];
  const tables = lossTables(losses).flatMap(({ title: by, rows }) => [
    "",
    ...tableOf([by, ...LOSS_COLUMNS], rows),
  ]);
  return [
    title,
    "",
    ...paragraphs(...LOSS_NOTES),
    ...tables,
    "",
    ...paragraphs(markdownText(fewNote(losses))),
  ];
}

function handSources({ counts }: Manifest): string {
  return Object.entries(counts.hands)
    .map(([from, count]) => `${count} by ${markdownText(from)}`)
    .join(", ");
}

/** How labels came about. */
export function labelSources(manifest: Manifest | undefined, answers: Answers = {}): string {
  if (manifest === undefined && answers.labelling !== undefined) return answers.labelling;
  if (manifest?.drawn === true) return "Labels are those that the invented people were drawn by.";
  if (manifest === undefined) return "How labels came about is not recorded beside the dataset.";
  return (
    "Labels were taken from the metadata of the photographs, which machines made: the majority over a subject's " +
    "photographs for gender, each photograph's own for age and race."
  );
}

function uses(): string[] {
  return paragraphs(
    "For research on datasets, on models of apparent sex, and on their fairness. Figures made with it are agreement with " +
      "recorded, apparent labels.",
    "Not for deciding anything about a person, for identifying people, or for inferring anybody's sex, gender or identity.",
  );
}

function distribution({ licence, date, url }: ReleaseInfo): string[] {
  const { name, attribution, url: link } = LICENCE_TEXTS[licence];
  return paragraphs(
    `Published ${date} at ${markdownUrl(url)}. Licence: ${name} (${link}); what it asks: DATA-LICENSE.md.`,
    `Attribution: ${attribution}`,
  );
}

function maintenance({ creator, version, url }: ReleaseInfo): string[] {
  return paragraphs(
    `Version ${version}, maintained by ${markdownText(creator)}. Faults, and wishes of people to be taken out, go to ${markdownUrl(url)}; a corrected ` +
      "dataset is a new version. SHA256SUMS has the hash of every file.",
  );
}

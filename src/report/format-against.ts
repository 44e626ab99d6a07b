// Two models on the same images in words: the text of `evaluate --against`, whose lines the page has too.
import { visible } from "../core/visible.ts";
import type { Against, AgainstRow } from "../evaluate/analysis/against.ts";
import {
  alignTable,
  count,
  FEW,
  figure,
  fitLines,
  intervalText,
  LABEL_NOTE,
  METRIC_TITLES,
  TOO_SMALL,
} from "./figure-text.ts";

/** A comparison with what it was asked by. */
export interface Compared {
  readonly compared: Against;
  /** As the command named them. */
  readonly a: string;
  readonly b: string;
  readonly replicates: number;
  readonly minSubjects: number;
}

/** Heads of the columns of `againstCells`. */
export const AGAINST_COLUMNS = ["", "A", "B", "A minus B", "p", "detectable"] as const;

/** The whole text. */
export function formatAgainst(asked: Compared): string {
  const { compared, a, b } = asked;
  const mcnemar = mcnemarText(compared);
  return [
    `A  ${visible(a)}\nB  ${visible(b)}`,
    againstImages(compared).join("\n"),
    LABEL_NOTE,
    alignTable([[...AGAINST_COLUMNS], ...compared.rows.map(againstCells)]),
    ...(mcnemar === undefined ? [] : [mcnemar]),
    againstNotes(asked).join("\n"),
  ]
    .map(fitLines)
    .join("\n\n");
}

/** Of which images, and which are left out. */
export function againstImages({ nImages, nSubjects, seeds, leftOut }: Against): string[] {
  const reasons = [
    ...(leftOut.onlyA === 0 ? [] : [`${count(leftOut.onlyA)} only A answered`]),
    ...(leftOut.onlyB === 0 ? [] : [`${count(leftOut.onlyB)} only B answered`]),
    ...(leftOut.unlabelled === 0 ? [] : [`${count(leftOut.unlabelled)} without a label`]),
  ];
  const over = seeds === null ? "" : `, mean over seeds ${seeds.join(", ")}`;
  return [
    `A minus B on ${count(nImages)} images of ${count(nSubjects)} subjects that both answered${over}`,
    ...(reasons.length === 0 ? [] : [`left out: ${reasons.join(", ")}`]),
  ];
}

/** McNemar's test of all images; undefined where there is none. */
export function mcnemarText({ rows }: Against): string | undefined {
  const mcnemar = rows[0]?.result?.mcnemar;
  if (mcnemar == null) return undefined;
  return (
    `only A decides ${count(mcnemar.onlyFirst)} images as recorded, only B ${count(mcnemar.onlySecond)}; ` +
    `McNemar p ${figure(mcnemar.p)}\n(images as independent, for comparison with other papers)`
  );
}

/** What the columns mean, in lines. */
export function againstNotes({ compared: { rows }, replicates, minSubjects }: Compared): string[] {
  return [
    `p: two-sided, by ${count(replicates)} exchanges of the two models' answers within subjects; of each row`,
    "alone, not corrected for their number. Brackets: the differences that this test does not reject",
    "([?, ?]: it rejects none). Detectable: true difference that such a test at 5 % finds with a power",
    "of 80 %. A difference that is not detected is no evidence of equality.",
    ...(rows.some(({ result }) => result === null)
      ? [`${TOO_SMALL}: the figure rests on under ${minSubjects} subjects`]
      : []),
    ...(rows.some(({ isFew }) => isFew)
      ? [`${FEW}: of all images, but of under ${minSubjects} subjects`]
      : []),
  ];
}

/** Cells of one figure of two models. */
export function againstCells({ part, metric, result, isFew }: AgainstRow): string[] {
  const name = `${part.padEnd(4)}  ${METRIC_TITLES[metric]}${isFew ? FEW : ""}`;
  if (result === null) return [name, TOO_SMALL, TOO_SMALL, "-", "-", "-"];
  const { first, second, estimate, p, minimumDetectable } = result;
  const sign = estimate !== null && estimate > 0 ? "+" : "";
  const difference = estimate === null ? "-" : `${sign}${figure(estimate)} ${intervalText(result)}`;
  return [name, figure(first), figure(second), difference, figure(p), figure(minimumDetectable)];
}

// `facehand evaluate A --against B`: two models on the same images, as text or JSON.
import type { Command } from "commander";
import { unexpected } from "../../core/errors.ts";
import { visible } from "../../core/visible.ts";
import { type Against, type AgainstRow, type Arm, compareAgainst } from "../../evaluate/analysis/against.ts";
import {
  alignColumns,
  count,
  FEW,
  figure,
  intervalText,
  LABEL_NOTE,
  METRIC_TITLES,
  TOO_SMALL,
} from "../../report/figure-text.ts";
import type { Evaluation } from "../../train/exchange/evaluation.ts";
import { seedRuns } from "../../train/seeds.ts";
import { onlyWith } from "../context.ts";

/** What is computed of one model alone. */
const OF_ONE = [
  "--groups",
  "--group-intervals",
  "--join",
  "--calibrate",
  "--thresholds",
  "--selective",
  "--out",
];
/** The least exchanges that a p value can come of. */
const LEAST_DRAWS = 100;

interface Flags {
  readonly against: string;
  readonly bootstrap: number;
  readonly minSubjects: number;
  readonly json?: boolean | undefined;
}

type Gather = (run: string) => Promise<Evaluation>;

/**
 * Text or JSON of a comparison.
 *
 * @param gather - the evaluated rows of one run
 * @throws AppError("input", "FLAG") for flags of one model; as compareAgainst
 */
export async function evaluateAgainst(command: Command, run: string, gather: Gather): Promise<string> {
  for (const flag of [...OF_ONE, "--report"]) onlyWith(command, flag, "one model, without --against", false);
  const { against: other, bootstrap: replicates, minSubjects, json } = command.opts<Flags>();
  if (replicates < LEAST_DRAWS)
    throw unexpected("input", {
      code: "FLAG",
      expected: `at least ${LEAST_DRAWS} exchanges with --against`,
      name: "--bootstrap",
      got: replicates,
    });
  const [a, b] = [await armOf(run, gather), await armOf(other, gather)];
  const compared = compareAgainst(a, b, { replicates, minSubjects });
  if (json === true) return JSON.stringify({ a: run, b: other, minSubjects, ...compared }, null, 2);
  return formatAgainst(compared, { a: run, b: other, replicates, minSubjects });
}

async function armOf(name: string, gather: Gather): Promise<Arm> {
  const seeds = await seedRuns(name);
  const runs = [];
  for (const { seed, dir } of seeds ?? [{ seed: 0, dir: name }])
    runs.push({ seed, rows: (await gather(dir)).rows });
  return { name, runs, isSeeds: seeds !== undefined };
}

interface Named {
  readonly a: string;
  readonly b: string;
  readonly replicates: number;
  readonly minSubjects: number;
}

function formatAgainst(compared: Against, { a, b, replicates, minSubjects }: Named): string {
  const { nImages, nSubjects, seeds, leftOut, rows } = compared;
  const reasons = [
    ...(leftOut.onlyA === 0 ? [] : [`${count(leftOut.onlyA)} only A answered`]),
    ...(leftOut.onlyB === 0 ? [] : [`${count(leftOut.onlyB)} only B answered`]),
    ...(leftOut.unlabelled === 0 ? [] : [`${count(leftOut.unlabelled)} without a label`]),
  ];
  const over = seeds === null ? "" : `, mean over seeds ${seeds.join(", ")}`;
  const mcnemar = rows[0]?.result?.mcnemar;
  return [
    `A  ${visible(a)}\nB  ${visible(b)}`,
    `A minus B on ${count(nImages)} images of ${count(nSubjects)} subjects that both answered${over}` +
      (reasons.length === 0 ? "" : `\nleft out: ${reasons.join(", ")}`),
    LABEL_NOTE,
    alignColumns([["", "A", "B", "A minus B", "p", "detectable"], ...rows.map(formatRow)]),
    ...(mcnemar == null
      ? []
      : [
          `only A decides ${count(mcnemar.onlyFirst)} images as recorded, only B ${count(mcnemar.onlySecond)}; ` +
            `McNemar p ${figure(mcnemar.p)}\n(images as independent, for comparison with other papers)`,
        ]),
    [
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
    ].join("\n"),
  ].join("\n\n");
}

function formatRow({ part, metric, result, isFew }: AgainstRow): string[] {
  const name = `${part.padEnd(4)}  ${METRIC_TITLES[metric]}${isFew ? FEW : ""}`;
  if (result === null) return [name, TOO_SMALL, TOO_SMALL, "-", "-", "-"];
  const { first, second, estimate, p, minimumDetectable } = result;
  const sign = estimate !== null && estimate > 0 ? "+" : "";
  const difference = estimate === null ? "-" : `${sign}${figure(estimate)} ${intervalText(result)}`;
  return [name, figure(first), figure(second), difference, figure(p), figure(minimumDetectable)];
}

// `facehand evaluate A --against B`: two models on the same images, as text or JSON.
import type { Command } from "commander";
import { unexpected } from "../../core/errors.ts";
import { type Arm, compareAgainst } from "../../evaluate/analysis/against.ts";
import { type Compared, formatAgainst } from "../../report/format-against.ts";
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
 * A comparison, and its text or JSON.
 *
 * @param gather - the evaluated rows of one run
 * @throws AppError("input", "FLAG") for flags of one model; as compareAgainst
 */
export async function evaluateAgainst(
  command: Command,
  run: string,
  gather: Gather,
): Promise<{ readonly compared: Compared; readonly text: string }> {
  for (const flag of OF_ONE) onlyWith(command, flag, "one model, without --against", false);
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
  const asked = { compared, a: run, b: other, replicates, minSubjects };
  if (json !== true) return { compared: asked, text: formatAgainst(asked) };
  return { compared: asked, text: JSON.stringify({ a: run, b: other, minSubjects, ...compared }, null, 2) };
}

async function armOf(name: string, gather: Gather): Promise<Arm> {
  const seeds = await seedRuns(name);
  const runs = [];
  for (const { seed, dir } of seeds ?? [{ seed: 0, dir: name }])
    runs.push({ seed, rows: (await gather(dir)).rows });
  return { name, runs, isSeeds: seeds !== undefined };
}

// The runs of train --seeds. Invariant: no seed has two of them, for both would be the same run and count as two that agree.
import { join } from "node:path";
import { unexpected } from "../../core/errors.ts";
import { numeric } from "../config-options.ts";

/**
 * One run a seed, each in a folder that its number names.
 *
 * @throws AppError("input", "FLAG") for a seed that is given twice, as 1 and 01 are
 */
export function seedRuns(out: string, texts: readonly string[]) {
  const seeds = texts.map((text) => numeric("--seeds", text));
  const twice = seeds.find((seed, k) => seeds.indexOf(seed) !== k);
  if (twice === undefined) return seeds.map((seed) => ({ dir: join(out, `seed_${seed}`), seed }));
  const e = { code: "FLAG", expected: "each seed once", name: "--seeds", got: texts.join(",") };
  throw unexpected("input", { ...e, hint: `leave out one ${twice}: the same seed gives the same run` });
}

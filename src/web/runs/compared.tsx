// ◇ Browser-safe. Two configurations on the same images: their difference over subjects, and picture by picture.
import type { PairedComparison } from "../../evaluate/intervals/compare.ts";
import { REPLICATES } from "../../evaluate/intervals/intervals.ts";
import { THRESHOLD } from "../../evaluate/metrics/binary.ts";
import { COMPARED_METRICS, type ComparedMetric } from "../../evaluate/metrics/weighted.ts";
import { count, counted, figure, intervalText, METRIC_TITLES } from "../../report/figure-text.ts";
import { choose, chosen } from "../app/address.ts";
import { Breakable } from "../parts/breakable.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { asked, rowsOf } from "./answers.ts";
import {
  type Configuration,
  configurations,
  hasPredicted,
  type Run,
  type RunsProps,
} from "./configurations.ts";
import { Crops } from "./crops.tsx";
import { byOutcome, OUTCOMES, type Outcome, type Paired, paired } from "./mistakes.ts";
import { chosenFigure, picked } from "./table.tsx";

/** Where two are picked, their comparison. */
export function Compared({ runs, names }: RunsProps) {
  const chosenOnes = configurations(runs).filter(({ id }) => picked().includes(id));
  const [first, second] = picked().flatMap((id) => chosenOnes.find((one) => one.id === id) ?? []);
  return (
    <section>
      <h2>Two compared</h2>
      {first === undefined || second === undefined || chosenOnes.length > 2 ? (
        <p class="soft">Pick two configurations in the table.</p>
      ) : (
        <>
          <p>
            A: {names.get(first.id)}{" "}
            <code>
              <Breakable text={first.facts.tag} />
            </code>
            <br />
            B: {names.get(second.id)}{" "}
            <code>
              <Breakable text={second.facts.tag} />
            </code>
          </p>
          <Pair key={`${first.id} ${second.id}`} first={first} second={second} />
        </>
      )}
    </section>
  );
}

interface PairProps {
  readonly first: Configuration;
  readonly second: Configuration;
}

/** Seeds that both have, in order; otherwise the first of each. */
function seedsOf({ first, second }: PairProps, split: string): readonly (readonly [Run, Run])[] {
  const [a, b] = [first, second].map(({ runs }) => runs.filter((run) => hasPredicted(run, split)));
  const both = a!.flatMap((run) => {
    const other = b!.find(({ run: { seed } }) => seed === run.run.seed);
    return other === undefined ? [] : [[run, other] as const];
  });
  return both.length > 0
    ? both
    : a!.slice(0, 1).flatMap((run) => b!.slice(0, 1).map((other) => [run, other] as const));
}

function Pair({ first, second }: PairProps) {
  const { split } = chosenFigure();
  const seeds = seedsOf({ first, second }, split);
  const coming = seeds.map((runs) => runs.map((run) => rowsOf(run, split).value));
  const fault = coming.flat().find((one) => one.fault !== undefined)?.fault;
  if (fault !== undefined) return <FaultNote fault={fault} />;
  if (seeds.length === 0) return <p class="soft">Not both have predicted {split}.</p>;
  if (coming.flat().some(({ value }) => value === undefined)) return <p class="soft">Computing …</p>;
  const pairs = coming.map(([a, b]) => paired(a!.value!.rows, b!.value!.rows));
  if (pairs.some(({ rows }) => rows.length === 0))
    return <p class="soft">They have no image in common that both record alike.</p>;
  return <Difference seeds={seeds} pairs={pairs} split={split} />;
}

interface DifferenceProps {
  readonly seeds: readonly (readonly [Run, Run])[];
  readonly pairs: readonly Paired[];
  readonly split: string;
}

function Difference({ seeds, pairs, split }: DifferenceProps) {
  const { metric: shown } = chosenFigure();
  const metric = COMPARED_METRICS.find((one) => one === shown) ?? "balancedAccuracy";
  const { rows } = pairs[0]!;
  const key = ["compare", metric, split, ...seeds.flat().map(({ id, changed }) => id + changed)].join(" ");
  const p = (of: readonly { readonly probability: number }[]) => of.map(({ probability }) => probability);
  const { value, fault } = asked(key, {
    do: "compare",
    arms: {
      y: rows.map(({ target }) => target),
      subjects: rows.map(({ subject }) => subject),
      first: pairs.map((pair) => p(pair.rows)),
      second: pairs.map((pair) => p(pair.others)),
    },
    metric,
    replicates: REPLICATES,
  }).value;
  return (
    <>
      {fault === undefined ? null : <FaultNote fault={fault} />}
      {value === undefined ? (
        <p class="soft">Exchanging answers, 2,000 times …</p>
      ) : (
        <Told found={value} split={split} />
      )}
      <Pictures pair={pairs[0]!} runs={seeds[0]!} split={split} />
    </>
  );
}

function Told({ found, split }: { readonly found: PairedComparison; readonly split: string }) {
  const { metric, first, second, estimate, p, minimumDetectable, nImages, nSubjects, nSeeds, mcnemar } =
    found;
  return (
    <p>
      {METRIC_TITLES[metric as ComparedMetric]} on {split}, {count(nImages)} images of {count(nSubjects)}{" "}
      subjects, {counted(nSeeds, "seed")} of each: A {figure(first)}, B {figure(second)}; A minus B{" "}
      <strong>
        {figure(estimate)} {intervalText(found)}
      </strong>
      , p {figure(p)} by exchange within subjects (2,000 draws). Such a test would find{" "}
      {figure(minimumDetectable)} with a power of .8.
      {mcnemar === null ? "" : ` McNemar's p, images as independent: ${figure(mcnemar.p)}.`}
    </p>
  );
}

const TITLES: { readonly [O in Outcome]: string } = {
  both: "both as recorded",
  first: "A alone as recorded",
  second: "B alone as recorded",
  neither: "neither as recorded",
};
const MOST = 24;

interface PicturesProps {
  readonly pair: Paired;
  readonly runs: readonly [Run, Run];
  readonly split: string;
}

function Pictures({ pair, runs, split }: PicturesProps) {
  const found = byOutcome(pair, THRESHOLD);
  const outcome = OUTCOMES.find((one) => one === chosen("outcome")) ?? "first";
  const people = new Set(found[outcome].map((i) => pair.rows[i]!.subject)).size;
  return (
    <>
      <div class="runs-tools">
        {OUTCOMES.map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={one === outcome}
            onClick={() => choose({ outcome: [one] })}
          >
            {TITLES[one]}: {count(found[one].length)}
          </button>
        ))}
      </div>
      <p class="soft">
        Seed {runs[0].run.seed} of A, {runs[1].run.seed} of B; {count(found[outcome].length)} images of{" "}
        {count(people)} subjects, those on which the two differ most first
        {pair.leftOut === 0 ? "" : `; ${count(pair.leftOut)} images of one alone are left out`}.
      </p>
      <Crops
        run={runs[0]}
        split={split}
        shown={found[outcome].slice(0, MOST).map((i) => ({
          row: pair.rows[i]!,
          words: `A ${pair.rows[i]!.probability.toFixed(3)}, B ${pair.others[i]!.probability.toFixed(3)}`,
        }))}
      />
    </>
  );
}

// ◇ Browser-safe. Tables of one split's figures: metrics with intervals, and how decisions and records meet.
import type { Summary } from "../../evaluate/analysis/summary.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { count, METRIC_TITLES } from "../../report/figure-text.ts";
import { Scrolled } from "../parts/scrolled.tsx";
import { cellOf, partOf, SHOWN_METRICS } from "./cells.ts";

const NAMES = { overall: "all", hand: "hand", face: "face" } as const;
type Name = keyof typeof NAMES;

const namesOf = (summary: Summary) =>
  (Object.keys(NAMES) as Name[]).filter((name) => partOf(summary, name) !== undefined);

/** Metrics by modality. */
export function MetricsTable({ summary }: { readonly summary: Summary }) {
  const names = namesOf(summary);
  const { minSubjects, nUnlabelled } = summary;
  const counted = (of: "nImages" | "nSubjects") =>
    names.map((name) => <td key={name}>{count(partOf(summary, name)![of])}</td>);
  return (
    <Scrolled name="Metrics">
      <table>
        <caption>
          In brackets: 95 % intervals over subjects, 2,000 draws. Too small: of under {minSubjects} subjects;
          *: likewise, but of all images.
          {nUnlabelled === 0 ? "" : ` ${nUnlabelled} images without a recorded label are in no figure.`}
        </caption>
        <thead>
          <tr>
            <th scope="col">figure</th>
            {names.map((name) => (
              <th key={name} scope="col">
                {NAMES[name]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">images</th>
            {counted("nImages")}
          </tr>
          <tr>
            <th scope="row">subjects</th>
            {counted("nSubjects")}
          </tr>
          {SHOWN_METRICS.map((metric) => (
            <tr key={metric}>
              <th scope="row">{METRIC_TITLES[metric]}</th>
              {names.map((name) => {
                const { text, beside } = cellOf([summary], name, metric);
                return (
                  <td key={name}>
                    {text} <small>{beside}</small>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolled>
  );
}

const SEXES = ["female", "male"] as const;

interface ConfusionProps {
  readonly rows: readonly Prediction[];
  readonly summary: Summary;
}

/** Images by recorded and decided label, of each modality. */
export function ConfusionTables({ rows, summary }: ConfusionProps) {
  const { threshold } = summary;
  return (
    <div class="runs-confusions">
      {namesOf(summary).map((name) => {
        const own = rows.filter(({ modality }) => name === "overall" || modality === name);
        const cell = (target: number, decided: number) =>
          own.filter((row) => row.target === target && (row.probability >= threshold ? 1 : 0) === decided);
        const total = (target: number) => own.filter((row) => row.target === target).length;
        return (
          <table key={name}>
            <caption>
              {NAMES[name]}: {count(total(0) + total(1))} images
            </caption>
            <thead>
              <tr>
                <th scope="col">recorded</th>
                {SEXES.map((sex) => (
                  <th key={sex} scope="col">
                    decided {sex}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {SEXES.map((sex, target) => (
                <tr key={sex}>
                  <th scope="row">{sex}</th>
                  {SEXES.map((other, decided) => (
                    <td key={other} class={target === decided ? "runs-right" : undefined}>
                      {count(cell(target, decided).length)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        );
      })}
    </div>
  );
}

// ◇ Browser-safe. The worst mistakes as pictures, by loss, of a modality or group if one is chosen.
import type { Summary } from "../../evaluate/analysis/summary.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { choose, chosen } from "../app/address.ts";
import type { Run } from "./configurations.ts";
import { Crops } from "./crops.tsx";
import { CHOICES, type Choice, wordsOf, worst } from "./mistakes.ts";

/** Pictures that are shown at first, and with each step more. */
const STEP = 24;

interface WorstProps {
  readonly run: Run;
  readonly rows: readonly Prediction[];
  readonly summary: Summary;
}

/** The pictures with what chooses them. */
export function WorstMistakes({ run, rows, summary }: WorstProps) {
  const wanted = Object.fromEntries(
    CHOICES.flatMap((name) => {
      const word = chosen(name);
      return word === undefined ? [] : [[name, word]];
    }),
  ) as Partial<Record<Choice, string>>;
  const found = worst(rows, wanted, summary.threshold);
  const subjects = new Set(found.map(({ row }) => row.subject)).size;
  const most = Number(chosen("most") ?? STEP);
  return (
    <section>
      <h2>Worst mistakes</h2>
      <p>
        {found.length} images of {subjects} subjects in {summary.split} were not decided as recorded, by loss.
        The record may be wrong, too.
      </p>
      <div class="runs-tools">
        {CHOICES.map((name) => (
          <Chooser key={name} name={name} words={wordsOf(rows, name)} />
        ))}
      </div>
      <Crops
        run={run}
        split={summary.split}
        shown={found.slice(0, most).map(({ row, loss }) => ({
          row,
          words: `p(male) ${row.probability.toFixed(3)}, loss ${loss.toFixed(2)}`,
        }))}
      />
      {found.length > most ? (
        <button type="button" onClick={() => choose({ most: [String(most + STEP)] }, false)}>
          Show {Math.min(STEP, found.length - most)} more
        </button>
      ) : null}
    </section>
  );
}

function Chooser({ name, words }: { readonly name: Choice; readonly words: readonly string[] }) {
  if (words.length < 2) return null;
  const change = (value: string) => choose({ [name]: value === "" ? undefined : [value], most: undefined });
  return (
    <label>
      {name}{" "}
      <select value={chosen(name) ?? ""} onChange={({ currentTarget }) => change(currentTarget.value)}>
        <option value="">all</option>
        {words.map((word) => (
          <option key={word}>{word}</option>
        ))}
      </select>
    </label>
  );
}

// ◇ Browser-safe. The thread that reads predictions and computes figures: thousands of draws would hold the page up.
import type { ErrorKind } from "../../core/errors.ts";
import { type Summary, summarize } from "../../evaluate/analysis/summary.ts";
import { compareArms, type PairedArms, type PairedComparison } from "../../evaluate/intervals/compare.ts";
import type { ComparedMetric } from "../../evaluate/metrics/weighted.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { faultOf } from "../app/fault.ts";
import { computeStudy, type StudyFiles, type StudyReport } from "../studies/compute.ts";
import { decodePairs, decodePredictions, type PairNames } from "./decode.ts";

/** What is to be done. */
export type Task =
  | {
      readonly do: "summary" | "rows";
      readonly url: string;
      readonly name: string;
      readonly replicates: number;
    }
  | {
      readonly do: "compare";
      readonly arms: PairedArms;
      readonly metric: ComparedMetric;
      readonly replicates: number;
    }
  | { readonly do: "names"; readonly url: string }
  | { readonly do: "study"; readonly files: StudyFiles; readonly replicates: number };

/** What came of it, by task. */
export interface Results {
  readonly summary: Summary;
  readonly rows: { readonly rows: readonly Prediction[]; readonly summary: Summary };
  readonly compare: PairedComparison;
  readonly names: ReadonlyMap<string, PairNames>;
  readonly study: StudyReport;
}

/** An answer of the thread. */
export type Answer =
  | { readonly ask: number; readonly result: Results[keyof Results] }
  | {
      readonly ask: number;
      readonly fault: { kind: ErrorKind; code: string; message: string; hint?: string | undefined };
    };

async function work(task: Task): Promise<Results[keyof Results]> {
  if (task.do === "compare")
    return compareArms(task.arms, { metric: task.metric, replicates: task.replicates });
  if (task.do === "study") return computeStudy(task.files, task.replicates);
  const response = await fetch(task.url);
  if (!response.ok) throw new Error(`Expected a file, got the status ${response.status}`);
  if (task.do === "names") return decodePairs(await response.text());
  const rows = await decodePredictions(await response.arrayBuffer(), task.name);
  const { replicates } = task;
  if (task.do === "summary") return summarize(rows, { replicates, groups: [] });
  return { rows, summary: summarize(rows, { replicates, groups: GROUPS, groupIntervals: true }) };
}

const GROUPS = [["race"], ["age"], ["gesture"]];

/** Does what it is asked; web/thread.ts hands it over. */
export async function heard({
  data: { ask, ...task },
}: MessageEvent<Task & { readonly ask: number }>): Promise<void> {
  try {
    postMessage({ ask, result: await work(task as Task) } satisfies Answer);
  } catch (error) {
    const { kind, code, message, hint } = faultOf(error);
    postMessage({ ask, fault: { kind, code, message, hint } } satisfies Answer);
  }
}

// What the demo's report shows, gathered from what the steps before left on disk.
import { relative } from "node:path";
import { z } from "zod";
import type { Modality, Pair } from "../../core/words.ts";
import { imagePath, locate } from "../../dataset/layout.ts";
import { readPairs } from "../../dataset/store.ts";
import { summarize } from "../../evaluate/analysis/summary.ts";
import { readBytes } from "../../machine/files.ts";
import { decodeImage } from "../../pixels/image.ts";
import { openWeights } from "../../predict/infer.ts";
import { loadModel } from "../../predict/model-file.ts";
import { askedOf } from "../../predict/predictor.ts";
import type { ReportPair, ReportPicture } from "../../report/demo-page.ts";
import type { ReportRun } from "../../report/run.ts";
import { evaluationRows } from "../../train/exchange/evaluation.ts";
import { describeEnvironment, readLog } from "../../train/run.ts";
import type { DemoModel, DemoPlan } from "./plan.ts";

const SHEET_PAIRS = 16;

/** The figures of a run's stored predictions on the test split. */
export async function evaluateRun(
  { name, about, dir, config }: DemoModel,
  minSubjects: number,
): Promise<ReportRun> {
  const rows = await evaluationRows(dir, { split: "test", workers: 1 });
  const summary = summarize(rows, { minSubjects, groups: [["gesture"], ["race"], ["age"]] });
  return { name, about, config, epochs: await readLog(dir), rows, summary };
}

/** One training pair of each of the first subjects, with its images; taken in turn, so that gestures differ. */
export async function choosePairs(dir: string): Promise<ReportPair[]> {
  const layout = await locate(dir);
  const bySubject = new Map<string, Pair[]>();
  for (const pair of (await readPairs(dir)).train) {
    const own = bySubject.get(pair.userId);
    if (own === undefined) bySubject.set(pair.userId, [pair]);
    else own.push(pair);
  }
  const chosen = [...bySubject.values()].slice(0, SHEET_PAIRS).map((own, i) => own[i % own.length]!);
  return await Promise.all(
    chosen.map(async (pair) => ({
      pair,
      hand: await readBytes(imagePath(layout, "hand", pair.handImage), "a crop"),
      face: await readBytes(imagePath(layout, "face", pair.faceImage), "a crop"),
    })),
  );
}

/** The hand of the first test pair and the face of the last, as every model sees them. */
export async function predictTwo(plan: DemoPlan): Promise<ReportPicture[]> {
  const { test } = await readPairs(plan.pairs);
  const layout = await locate(plan.pairs);
  const chosen: readonly [Modality, Pair, string][] = [
    ["hand", test[0]!, imagePath(layout, "hand", test[0]!.handImage)],
    ["face", test.at(-1)!, imagePath(layout, "face", test.at(-1)!.faceImage)],
  ];
  return await Promise.all(
    chosen.map(async ([modality, pair, path]) => ({
      jpeg: await readBytes(path, "a crop"),
      path: relative(process.cwd(), path),
      modality,
      pair,
      answers: await Promise.all(plan.models.map((model) => answer(model, path, modality))),
    })),
  );
}

async function answer(
  model: DemoModel,
  path: string,
  modality: Modality,
): Promise<ReportPicture["answers"][number]> {
  const { facts, weights } = await loadModel(model.dir);
  const predictor = await openWeights(facts, weights, { batch: 1 });
  try {
    const [answer] = await predictor.predict([await decodeImage(path)], askedOf(facts, modality));
    return { model: model.name, answer: answer! };
  } finally {
    await predictor.close();
  }
}

const SHOWN = ["node", "onnxruntime-node", "sharp", "@observablehq/plot"] as const;

/** Versions of what decides pixels and figures, and the commit if this is a checkout. */
export async function demoVersions(): Promise<Record<string, string>> {
  const { facehand, commit, versions } = await describeEnvironment([]);
  const known = z.record(z.string(), z.string()).parse(versions);
  return {
    facehand: commit === null ? facehand : `${facehand} (commit ${commit.slice(0, 12)})`,
    ...Object.fromEntries(SHOWN.map((name) => [name, known[name] ?? "unknown"])),
  };
}

// `facehand demo`: from drawn frames to two trained models and a report, in one folder.
// Every step is complete, or continues where it stopped, so that the same command always ends in the same report.
import { readdir } from "node:fs/promises";
import { basename, relative, resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { AppError, Interrupted, isNotFound } from "../../core/errors.ts";
import { formatSeconds, startProgress } from "../../core/progress.ts";
import type { Manifest } from "../../dataset/manifest.ts";
import type { SampleManifest } from "../../drawn/sample.ts";
import { exists, readJson, writeAtomic, writeJson } from "../../machine/files.ts";
import { withLock } from "../../machine/lock.ts";
import { sweepTemporaries } from "../../machine/temporary.ts";
import { demoReport, type ReportPicture } from "../../report/demo-page.ts";
import {
  alignColumns,
  dropSmallColumns,
  FEW,
  figure,
  LABEL_NOTE,
  TOO_SMALL,
} from "../../report/figure-text.ts";
import type { ReportRun } from "../../report/run.ts";
import { train } from "../../train/loop.ts";
import { type Context, minSubjectsOption, verb, wholeNumber } from "../context.ts";
import { drawWithProgress } from "../data/data.ts";
import { fractionsOf } from "../derive/derive.ts";
import { deriveWithProgress } from "../derive/progress.ts";
import { choosePairs, demoVersions, evaluateRun, predictTwo } from "./gather.ts";
import {
  CROP_PX,
  DEMO_DEFAULTS,
  type DemoModel,
  type DemoOptions,
  type DemoPlan,
  demoCommands,
  FRAMES_PER_SUBJECT,
  planDemo,
  SHARES,
} from "./plan.ts";

interface Flags extends DemoOptions {
  readonly out: string;
  readonly minSubjects: number;
}

/** `facehand demo`. */
export function demoCommand(context: Context): Command {
  const { subjects, epochs, seed } = DEMO_DEFAULTS;
  return verb(
    "demo",
    "run everything on drawn images: pairs, two tiny models, figures, a report; takes a few minutes",
  )
    .option("--out <dir>", "folder for everything; what exists there is not made again", "demo")
    .option("--subjects <n>", "number of drawn people", wholeNumber("--subjects", 12, 10_000), subjects)
    .option("--epochs <n>", "passes over the training images", wholeNumber("--epochs", 1, 10_000), epochs)
    .option(
      "--seed <n>",
      "seed of the drawings, the split and the training",
      wholeNumber("--seed", 0, 2 ** 31 - 1),
      seed,
    )
    .addOption(minSubjectsOption())
    .action(({ out, minSubjects, ...options }: Flags) => runDemo(context, { out, minSubjects }, options));
}

/** Runs a step; prints its number before and its duration after it. */
type Step = <T>(title: string, work: () => Promise<T>) => Promise<T>;

function counted({ report, signal }: Context, total: number): Step {
  let number = 0;
  return async (title, work) => {
    if (signal.aborted) throw new Interrupted("");
    const label = `[${++number}/${total}] ${title}`;
    report(label);
    const startMs = performance.now();
    const result = await work();
    report(`${" ".repeat(6)}done in ${formatSeconds((performance.now() - startMs) / 1000)}`);
    return result;
  };
}

/** Where the demo goes and what its report calls too small: neither changes what is made. */
type Presented = Pick<Flags, "out" | "minSubjects">;

async function runDemo(
  context: Context,
  { out, minSubjects }: Presented,
  options: DemoOptions,
): Promise<void> {
  const plan = planDemo(relative(process.cwd(), resolve(out)) || ".", options);
  try {
    await withLock(plan.out, `the demo in ${plan.out}`, async () => {
      const own = [plan.mark, plan.report].map((path) => basename(path));
      await sweepTemporaries(plan.out, (name) => own.includes(name));
      await openFolder(plan);
      await runSteps(context, { plan, minSubjects }, counted(context, 5 + plan.models.length));
    });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    throw new Interrupted(`Stopped; the same command continues in ${plan.out}`);
  }
}

async function runSteps(
  context: Context,
  { plan, minSubjects }: { readonly plan: DemoPlan; readonly minSubjects: number },
  step: Step,
): Promise<void> {
  const { subjects, seed } = plan.options;
  const sample = await step("draw raw frames of invented people", () =>
    drawWithProgress(context, plan.sample, { subjects, framesPerSubject: FRAMES_PER_SUBJECT, seed }),
  );
  const { manifest } = await step("derive aligned face-hand pairs", () =>
    deriveWithProgress(context, {
      hagridDir: plan.sample,
      gestures: "all",
      faceLandmarksFile: plan.faceLandmarks,
      outDir: plan.pairs,
      sizePx: CROP_PX,
      fractions: fractionsOf(SHARES.val, SHARES.test),
      seed,
    }),
  );
  for (const model of plan.models) {
    await step(`train the tiny ${model.name}`, () => trainModel(context, model));
  }
  const runs = await step("evaluate on the test pairs", () =>
    Promise.all(plan.models.map((model) => evaluateRun(model, minSubjects))),
  );
  const pictures = await step("predict one hand and one face", () => predictTwo(plan));
  await step("write the report", () => writeReport(plan, { sample, dataset: manifest, runs, pictures }));
  context.print(resultText(plan, runs, pictures));
}

const markSchema = z.strictObject({ subjects: z.number(), epochs: z.number(), seed: z.number() });

/** The folder is new, or a demo's with the same options: two demos in one folder would mix. */
async function openFolder({ out, mark, options }: DemoPlan): Promise<void> {
  const { subjects, epochs, seed } = options;
  if (await exists(mark)) {
    const before = await readJson(mark, markSchema, "the demo's options");
    if (before.subjects === subjects && before.epochs === epochs && before.seed === seed) return;
    const text = (o: DemoOptions) => `--subjects ${o.subjects} --epochs ${o.epochs} --seed ${o.seed}`;
    const message = `Expected ${text(before)} as ${out} was made with, got ${text(options)}`;
    throw new AppError("input", "DEMO_OPTIONS", message, {
      hint: "give another --out, or remove the folder",
    });
  }
  const found = await readdir(out).catch((error) => {
    if (isNotFound(error)) return [];
    throw error;
  });
  if (found.some((name) => !name.startsWith("."))) {
    const message = `Expected a new or empty folder for --out, got ${out} with other files`;
    throw new AppError("input", "DEMO_FOLDER", message, { hint: "give another --out" });
  }
  await writeJson(mark, { subjects, epochs, seed });
}

async function trainModel({ signal }: Context, { dir, config }: DemoModel): Promise<void> {
  let progress: ReturnType<typeof startProgress> | undefined;
  try {
    await train(config, {
      dir,
      signal,
      resume: true,
      onStep: ({ loss }, position, steps) => {
        const total = steps * config.epochs;
        progress ??= startProgress("train", total, { unit: "steps", done: position.step - 1 });
        progress.tick();
        progress.note(`epoch ${position.epoch + 1}/${config.epochs}  loss ${loss.toFixed(3)}`);
      },
    });
  } finally {
    progress?.done();
  }
}

interface Gathered {
  readonly sample: SampleManifest;
  readonly dataset: Manifest;
  readonly runs: readonly ReportRun[];
  readonly pictures: readonly ReportPicture[];
}

async function writeReport(plan: DemoPlan, gathered: Gathered): Promise<void> {
  const pairs = await choosePairs(plan.pairs);
  const versions = await demoVersions();
  const commands = demoCommands(plan, gathered.pictures);
  await writeAtomic(plan.report, demoReport({ ...gathered, pairs, commands, versions }));
}

function resultText(plan: DemoPlan, runs: readonly ReportRun[], pictures: readonly ReportPicture[]): string {
  const parts = runs.map(({ name, summary }) => {
    const figures = [summary.overall, ...summary.byModality].map(({ metrics, tooSmall, few }) => {
      if (tooSmall.includes("balancedAccuracy")) return TOO_SMALL;
      return `${figure(metrics.balancedAccuracy)}${few.includes("balancedAccuracy") ? FEW : ""}`;
    });
    return [name, ...figures];
  });
  const { byModality, minSubjects } = runs[0]!.summary;
  const header = ["balanced accuracy, test", "all", ...byModality.map(({ name }) => name)];
  const { rows, note } = dropSmallColumns([header, ...parts], minSubjects);
  const few = parts.some(([, all]) => all!.endsWith(FEW)) ? [`${FEW}: of under ${minSubjects} subjects`] : [];
  const answers = pictures.flatMap(({ modality, pair, answers }) =>
    answers.map(({ model, answer }) => [modality, model, answer.probability.toFixed(3), pair.gender]),
  );
  return [
    "",
    alignColumns(rows),
    ...few,
    ...(note === undefined ? [] : [note]),
    "",
    alignColumns([["image", "model", "probability of male", "recorded"], ...answers]),
    "",
    `pairs     ${plan.pairs}`,
    ...plan.models.map(({ key, dir }) => `${key.padEnd(9)} ${dir}`),
    `report    ${plan.report}`,
    `page      npx --no facehand serve ${plan.out}`,
    "",
    "Every image is drawn: these figures prove nothing about accuracy on real images.",
    LABEL_NOTE,
  ].join("\n");
}

// `facehand evaluate`: metrics from stored predictions of a run, or of any model; and what is fitted on validation.

import { type Command, Option } from "commander";
import { type AppError, unexpected } from "../../core/errors.ts";
import { visible } from "../../core/visible.ts";
import { MODALITIES, type Modality, SPLITS, type Split } from "../../core/words.ts";
import { sourceFolder } from "../../dataset/sources/sources.ts";
import { chooseDevice, type Device } from "../../engine/runtime/device.ts";
import {
  analyseSelective,
  analyseThresholds,
  type CalibrationPart,
  calibrate,
  type SelectiveAnalysis,
  type ThresholdAnalysis,
} from "../../evaluate/analysis/analysis.ts";
import { summarize } from "../../evaluate/analysis/summary.ts";
import { REPLICATES } from "../../evaluate/intervals/intervals.ts";
import { joinGroups } from "../../evaluate/stored/join.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { isHubName } from "../../fetch/hub/repository.ts";
import { isFolder } from "../../machine/files.ts";
import { checkApart } from "../../machine/true-path.ts";
import { count } from "../../report/figure-text.ts";
import { formatSummary } from "../../report/format.ts";
import { formatCalibration, formatSelective, formatThresholds } from "../../report/format-analysis.ts";
import { ofSplit, predictData, storedSet } from "../../train/exchange/evaluation.ts";
import { seedRuns } from "../../train/seeds.ts";
import {
  type Context,
  deviceOption,
  jsonOption,
  minSubjectsOption,
  onlyWith,
  repeated,
  verb,
  wholeNumber,
} from "../context.ts";
import { onePath } from "../hub-model.ts";
import { evaluateAgainst } from "./against.ts";
import { groupSets } from "./groups.ts";
import { writeEvaluationPage } from "./report.ts";
import { evaluateSeeds, withUnlabelled } from "./seeds.ts";

interface Flags {
  readonly split?: Split | undefined;
  readonly data?: readonly string[] | undefined;
  readonly against?: string | undefined;
  readonly report?: string | undefined;
  readonly out?: string | undefined;
  readonly otherRecipe?: boolean | undefined;
  readonly modality?: Modality | undefined;
  readonly join?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly groupIntervals?: boolean | undefined;
  readonly calibrate?: boolean | undefined;
  readonly thresholds?: string | undefined;
  readonly selective?: string | undefined;
  readonly bootstrap: number;
  readonly minSubjects: number;
  readonly workers: number;
  readonly device: Device | "auto";
  readonly json?: boolean | undefined;
}

/** `facehand evaluate`. */
export function evaluateCommand(context: Context): Command {
  const { print, report } = context;
  const command = verb(
    "evaluate",
    "compute metrics overall, by modality and by recorded group, from stored predictions",
  )
    .argument(
      "<run>",
      "run folder, folder of seeds, stored predictions (.parquet, or .csv with id, y, p and group columns), or with --data hf:USER/NAME",
    )
    .addOption(
      new Option(
        "--split <name>",
        "train, val or test (default: test; all images of --data that is not the run's own)",
      ).argParser(checkSplit),
    )
    .option(
      "--data <source>",
      "predict these images with the run's best checkpoint instead; repeatable",
      repeated,
    )
    .option("--out <file>", "with --data: where to store the predictions (.parquet)")
    .option(
      "--other-recipe",
      "with --data: accept crops of another alignment recipe than the model's training images",
    )
    .addOption(
      new Option(
        "--modality <name>",
        "modality of all images, for a table of predictions without that column",
      ).choices(MODALITIES),
    )
    .option(
      "--bootstrap <n>",
      "bootstrap draws over subjects, for the intervals; 0 for none",
      wholeNumber("--bootstrap", 0, 1_000_000),
      REPLICATES,
    )
    .option(
      "--against <run>",
      "compare with this run, folder of seeds or table, paired by image and tested by subject",
    )
    .option(
      "--report <html>",
      "also write an HTML page with ROC, calibration, groups, the worst mistakes and the comparison",
    )
    .addOption(minSubjectsOption())
    .option("--workers <n>", "threads that decode images", wholeNumber("--workers", 1, 256), 2)
    .addOption(deviceOption("with --data: "))
    .addOption(jsonOption());
  return analysisOptions(command).action(async (named: string, flags: Flags, own: Command) => {
    checkFlags(own, flags);
    if (isHubName(named) && flags.data === undefined) throw notStored(named);
    const run = await onePath(context, named);
    if (flags.report !== undefined)
      checkApart(flags.report, (flags.data ?? []).map(sourceFolder), "--report");
    const gatherOf = onceEach((dir) => gather(dir, flags, report));
    const against = flags.against === undefined ? undefined : await evaluateAgainst(own, run, gatherOf);
    if (against !== undefined && flags.report === undefined) return print(against.text);
    const seeds = await seedRuns(run);
    if (seeds !== undefined) {
      const text = await evaluateSeeds(own, run, seeds, gatherOf, against?.compared);
      return print(against?.text ?? text);
    }
    const { all, rows, counts } = await gatherOf(run);
    if (flags.bootstrap > 0) report(drawsText(run, rows.length, flags.bootstrap));
    const summary = summarize(rows, {
      replicates: flags.bootstrap,
      minSubjects: flags.minSubjects,
      groups: groupSets(flags.groups, rows),
      groupIntervals: flags.groupIntervals ?? false,
    });
    if (flags.report !== undefined)
      await writeEvaluationPage(flags.report, {
        ...{ name: run, summary, counts, rows },
        ...{ against: against?.compared, data: flags.data ?? [] },
      });
    if (against !== undefined) return print(against.text);
    const images = withUnlabelled(counts, summary);
    const split = counts.split ?? "test"; // which rows of whole sets have
    const analyses = analyse(all, split, flags);
    const part = counts.split ?? "all";
    if (flags.json === true) print(JSON.stringify({ ...summary, split: part, images, ...analyses }, null, 2));
    else print([formatSummary(summary, counts), ...formatAnalyses(analyses, split)].join("\n\n"));
  });
}

/** What was gathered of a run for a comparison is what its page shows. */
function onceEach<T>(gatherOne: (dir: string) => Promise<T>): (dir: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (dir) => {
    const found = known.get(dir) ?? gatherOne(dir);
    known.set(dir, found);
    return found;
  };
}

/** Draws take most of the time; nothing is written. */
function drawsText(run: string, images: number, draws: number): string {
  return visible(`evaluate: ${count(images)} images of ${run}, ${count(draws)} draws over subjects`);
}

/** Refuses flags that would have no effect. */
function checkFlags(command: Command, { data, bootstrap }: Flags): void {
  onlyWith(command, "--workers", "--data", data !== undefined, "stored predictions");
  onlyWith(command, "--group-intervals", "--bootstrap above 0", bootstrap > 0);
}

/** Predictions of single images are published with no model. */
function notStored(got: string): AppError {
  const e = { code: "FLAG", expected: "--data, the images to predict,", name: "a model of the hub", got };
  return unexpected("input", e);
}

/** The evaluated rows, and those of other splits that come with them. */
async function gather(run: string, flags: Flags, report: Context["report"]) {
  const { out, data: sources = [] } = flags;
  if (out !== undefined)
    checkApart(out, [...((await isFolder(run)) ? [] : [run]), ...sources.map(sourceFolder)]);
  const device = await chooseDevice(checkDevice(flags));
  const joined = async (rows: readonly Prediction[]) =>
    flags.join === undefined ? [...rows] : await joinGroups(rows, flags.join);
  const { data, split } = flags;
  checkModality(run, flags);
  checkFitted(flags);
  if (data === undefined) {
    const stored = await storedSet(run, flags);
    const all = await joined(stored.rows);
    return { all, ...ofSplit(all, split, stored.origin) };
  }
  const { rows, counts } = await predictData(run, { ...flags, data, split, device, report });
  const all = await joined(rows);
  return { all, rows: all, counts };
}

function analysisOptions(command: Command): Command {
  return command
    .option(
      "--groups <keys>",
      "recorded fields to break down by within each modality: race,age for one table each, race+age for their intersections; repeatable (default: race,age,gesture,race+age)",
      repeated,
    )
    .option("--join <file>", "CSV with id or image_id and further fields to break down by, e.g. a ledger.csv")
    .option("--group-intervals", "also compute intervals for every group and for the spread between groups")
    .option("--calibrate", "fit a temperature for each modality on val, and show its effect on the split")
    .option("--thresholds <key>", "choose thresholds by group of this field on val (analysis only)")
    .option("--selective <key>", "show accuracy against coverage, with the worst group of this field");
}

/** The analyses that were asked for. */
interface Analyses {
  readonly calibration?: readonly CalibrationPart[] | undefined;
  readonly thresholdsByGroup?: readonly ThresholdAnalysis[] | undefined;
  readonly selective?: readonly SelectiveAnalysis[] | undefined;
}

function analyse(all: readonly Prediction[], split: Split, flags: Flags): Analyses {
  const { thresholds, selective, minSubjects: n } = flags;
  return {
    calibration: flags.calibrate === true ? calibrate(all, split, n) : undefined,
    thresholdsByGroup: thresholds === undefined ? undefined : analyseThresholds(all, split, thresholds, n),
    selective: selective === undefined ? undefined : analyseSelective(all, split, selective, n),
  };
}

function formatAnalyses({ calibration, thresholdsByGroup, selective }: Analyses, split: Split): string[] {
  return [
    ...(calibration === undefined ? [] : [formatCalibration(calibration, split)]),
    ...(thresholdsByGroup === undefined ? [] : thresholdsByGroup.map((one) => formatThresholds(one, split))),
    ...(selective === undefined ? [] : selective.map(formatSelective)),
  ];
}

/** Stored predictions need nothing computed: flags that only new ones need are refused. */
function checkDevice({ device, data, out, otherRecipe }: Flags): Device | "auto" {
  if (data !== undefined) return device;
  const asked = [
    ...(device === "cpu" ? [] : [`--device ${device}`]),
    ...(out === undefined ? [] : ["--out"]),
    ...(otherRecipe === true ? ["--other-recipe"] : []),
  ];
  if (asked.length === 0) return "cpu";
  const got = "stored predictions";
  throw unexpected("input", { code: "FLAG", expected: "--data", name: asked.join(" and "), got });
}

/** Runs, as our own stored predictions (evaluate/stored/foreign), have the modality of each image, so the flag would change nothing. */
function checkModality(run: string, { modality, data }: Flags): void {
  if (modality === undefined || (data === undefined && /\.(csv|parquet)$/i.test(run))) return;
  const expected = "a table of predictions without a column modality";
  const got = data === undefined ? run : "--data";
  throw unexpected("input", { code: "FLAG", expected, name: "--modality", got });
}

/** New predictions are of one split: what is fitted on val is refused before they are made, not after. */
function checkFitted({ data, split, calibrate: cools, thresholds }: Flags): void {
  const asked = [
    ...(cools === true ? ["--calibrate"] : []),
    ...(thresholds === undefined ? [] : ["--thresholds"]),
  ];
  if (data === undefined || split === "val" || asked.length === 0) return;
  const expected = "stored predictions with a split val";
  const hint = "fit on the run's own stored predictions: leave out --data";
  throw unexpected("input", { code: "FLAG", expected, name: asked.join(" and "), got: "--data", hint });
}

function checkSplit(text: string): Split {
  const found = SPLITS.find((split) => split === text);
  if (found !== undefined) return found;
  throw unexpected("input", { code: "FLAG", expected: SPLITS.join(", "), name: "--split", got: text });
}

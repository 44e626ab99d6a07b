// `facehand predict`: the probability of the recorded label "male" for images, by a checkpoint.
// Every image is read, and with --detect searched, before anything is printed; what could not be is reported first.
import { type Command, Option } from "commander";
import { MODALITIES } from "../../core/words.ts";
import { chooseDevice, type Device } from "../../engine/runtime/device.ts";
import { isHubName } from "../../fetch/hub/repository.ts";
import { HAND_CROPS, type HandCrop } from "../../find/hand-source.ts";
import { countFiles, makeFolder } from "../../machine/folder.ts";
import { isOnnxName } from "../../models/files/exported.ts";
import type { LocalOptions } from "../../predict/infer.ts";
import { openOnnxFile } from "../../predict/local.ts";
import { batchOf, predictFiles } from "../../predict/photos.ts";
import { listPictures } from "../../predict/picture-files.ts";
import { type AskedModality, checkAsked } from "../../predict/predictor.ts";
import { sought } from "../../predict/prepare.ts";
import { cropThreads } from "../../predict/threads.ts";
import { type LoadedModels, loadCheckpoints, loadModels, openEnsemble } from "../../train/ensemble.ts";
import { UPSTREAM_PREFIX, upstreamModel } from "../../train/exchange/upstream.ts";
import { startBytes } from "../bytes-progress.ts";
import {
  type Context,
  deviceOption,
  driveOption,
  jsonOption,
  onlyWith,
  verb,
  wholeNumber,
} from "../context.ts";
import { fetchHubModel } from "../hub-model.ts";
import { checkOutputs } from "./outputs.ts";
import { formatRows, rowsJson, writeRows } from "./rows.ts";

interface Flags {
  readonly modality: AskedModality;
  readonly detect?: boolean | undefined;
  readonly faceModel?: string | undefined;
  readonly handModel?: string | undefined;
  readonly handCrop: HandCrop;
  readonly threads?: number | undefined;
  readonly device: Device | "auto";
  readonly csv?: string | undefined;
  readonly pictures?: string | undefined;
  readonly json?: boolean | undefined;
  readonly mirror?: string | undefined;
  readonly driveEndpoint?: string | undefined;
}

/** `facehand predict`. */
export function predictCommand(context: Context): Command {
  return verb(
    "predict",
    "predict the probability of male, as recorded in the training labels, from images of hands or faces",
  )
    .argument(
      "<ckpt>",
      "checkpoint (.safetensors), a run folder for its best one, a folder of seeds for the mean of their log-odds, an .onnx of model export, hf:USER/NAME of model push, or upstream:best-umcc, upstream:best-mag",
    )
    .option("--mirror <place>", "with upstream:...: folder or address that has the published checkpoint")
    .addOption(driveOption())
    .argument(
      "<image...>",
      "crops as `derive` makes them, or photos with --detect: files, folders and all below them, or patterns in quotes",
    )
    .addOption(
      new Option(
        "--modality <name>",
        "what the images show: an input of UMCC F1, and the choice of MAG's head; auto: UMCC F1 gets what --detect found, MAG's gate decides",
      )
        .choices([...MODALITIES, "auto"])
        .default("auto"),
    )
    .option("--detect", "first find the largest face or hand in each photo, and crop it as `derive` does")
    .option("--face-model <file>", "with --detect: YuNet (.onnx) instead of the built-in MediaPipe detector")
    .option(
      "--hand-model <file>",
      "with --detect: hand_detector.onnx of ai-forever/dynamic_gestures instead of the built-in detector",
    )
    .addOption(
      new Option("--hand-crop <how>", "with --detect: crop hands as `derive --hand-crop` does")
        .choices([...HAND_CROPS])
        .default("landmarks"),
    )
    .option(
      "--threads <n>",
      "threads of ONNX Runtime (default: one per core); for many images others make crops meanwhile, but with 1 none",
      wholeNumber("--threads", 1, 1024),
    )
    .option("--csv <file>", "also write the predictions as a table, one row per image")
    .option(
      "--pictures <dir>",
      "with --detect: new folder for copies of the photos with detections and crops drawn in",
    )
    .addOption(deviceOption())
    .addOption(jsonOption())
    .action((ckpt: string, images: string[], flags: Flags, command: Command) => {
      checkFlags(command, ckpt, flags);
      return predict(context, ckpt, images, flags);
    });
}

async function predict(
  context: Context,
  ckpt: string,
  words: readonly string[],
  flags: Flags,
): Promise<void> {
  const { paths: images, others } = await listPictures(words);
  await checkOutputs(flags, words);
  if (others > 0) context.report(`${others} files in the folders are not images and are left out`);
  const device = await chooseDevice(flags.device);
  const { threads } = flags;
  const sharing = cropThreads(images.length, threads) > 0;
  const options = { batch: batchOf(images.length), device, threads, sharing };
  const { path, facts, seeds, open } = await openModel(context, ckpt, flags, options);
  if (flags.detect !== true) checkAsked([flags.modality], facts);
  const predictor = await open();
  try {
    const answer = await withPictures(flags.pictures, images.length, async (pictures) => {
      const { signal, report } = context;
      const predicted = await predictFiles(images, predictor, { ...flags, pictures, signal, report });
      const { rows, notFound, unread } = predicted;
      for (const { warning } of rows) if (warning !== undefined) context.report(warning);
      const all = { path, facts, seeds, rows, images: images.length, notFound, unread };
      if (flags.csv !== undefined) await writeRows(flags.csv, all);
      return all;
    });
    context.print(flags.json === true ? JSON.stringify(rowsJson(answer), null, 2) : formatRows(answer));
  } finally {
    await predictor.close();
  }
}

/** A model, and how it is opened once it is known to fit what is asked. */
async function openModel(context: Context, ckpt: string, flags: Flags, options: LocalOptions) {
  const models = isHubName(ckpt) ? await hubModels(context, ckpt) : undefined;
  const target = await fetchedModel(context, ckpt, flags);
  if (models === undefined && isOnnxName(target)) {
    const predictor = await openOnnxFile(target, options);
    return { path: target, facts: predictor.facts, seeds: undefined, open: async () => predictor };
  }
  const loaded = models ?? (await loadModels(target));
  const { path, facts, seeds } = loaded;
  return { path, facts, seeds, open: () => openEnsemble(loaded, options) };
}

async function hubModels(context: Context, name: string): Promise<LoadedModels> {
  const { repository, commit, checkpoints } = await fetchHubModel(context, name);
  return await loadCheckpoints(`${repository}@${commit}`, checkpoints);
}

/** The folder of pictures appears whole or not at all, and last: what a kill leaves does not hinder the same command. */
function withPictures<T extends { readonly unread: readonly string[] }>(
  pictures: string | undefined,
  images: number,
  work: (dir?: string) => Promise<T>,
): Promise<T> {
  if (pictures === undefined) return work();
  return makeFolder(pictures, work, {
    count: async (dir, { unread }) => {
      const made = images - unread.length;
      return [{ what: "drawn photos", made, found: await countFiles(dir) }];
    },
  });
}

/** A published checkpoint is fetched and converted, or found in the cache; anything else is a path. */
async function fetchedModel({ signal }: Context, ckpt: string, flags: Flags): Promise<string> {
  const { mirror, driveEndpoint } = flags;
  if (!isPublished(ckpt)) return ckpt;
  const line = startBytes(ckpt);
  const options = { signal, onProgress: line.onProgress, onStep: line.note };
  try {
    return await upstreamModel(ckpt.slice(UPSTREAM_PREFIX.length), {
      ...options,
      mirror,
      driveEndpoint,
    });
  } finally {
    line.done();
  }
}

const isPublished = (ckpt: string) => ckpt.startsWith(UPSTREAM_PREFIX);

/** Flags that would have no effect are refused before anything is read. */
function checkFlags(command: Command, ckpt: string, flags: Flags): void {
  for (const flag of ["--mirror", "--drive-endpoint"])
    onlyWith(command, flag, `a checkpoint of ${UPSTREAM_PREFIX}...`, isPublished(ckpt));
  onlyWith(command, "--pictures", "--detect", flags.detect === true);
  const given = { face: ["--face-model"], hand: ["--hand-model", "--hand-crop"] };
  for (const modality of MODALITIES) {
    const seeks = flags.detect === true && sought(flags.modality).includes(modality);
    for (const flag of given[modality])
      onlyWith(command, flag, `--detect with --modality ${modality} or auto`, seeks);
  }
}

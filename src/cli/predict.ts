// `facehand predict`: the probability of the recorded label "male" for images, by a checkpoint.
// Every image is read, and with --detect searched, before anything is printed: an answer is whole or absent.
import { stat } from "node:fs/promises";
import { type Command, Option } from "commander";
import { AppError, Interrupted, isNotFound, missingFile, unexpected } from "../core/errors.ts";
import { readBytes } from "../core/files.ts";
import { startProgress } from "../core/progress.ts";
import { decodeImage } from "../data/image.ts";
import type { RgbImage } from "../data/pixels.ts";
import { MODALITIES, type Modality } from "../data/record.ts";
import { withPhoto } from "../data/resize.ts";
import { type Finder, openFinder } from "../derive/find.ts";
import { HAND_CROPS, type HandCrop } from "../derive/hand-source.ts";
import { chooseDevice, type Device } from "../engine/device.ts";
import type { ModelFacts } from "../models/facts.ts";
import { type AskedModality, askedOf, checkAsked } from "../models/predictor.ts";
import { openLocalPredictor } from "../train/infer.ts";
import { loadModel } from "../train/model-file.ts";
import { type AskedCrop, predictCrops, shrinkCrop } from "../train/predict.ts";
import { UPSTREAM_PREFIX, upstreamModel } from "../train/upstream.ts";
import { startBytes } from "./bytes-progress.ts";
import {
  type Context,
  deviceOption,
  driveOption,
  jsonOption,
  onlyWith,
  verb,
  wholeNumber,
} from "./context.ts";
import { type Found, formatRows, rowOf, rowsJson } from "./predict-rows.ts";

interface Flags {
  readonly modality: AskedModality;
  readonly detect?: boolean;
  readonly faceModel?: string;
  readonly handModel?: string;
  readonly handCrop: HandCrop;
  readonly threads?: number;
  readonly device: Device | "auto";
  readonly json?: boolean;
  readonly mirror?: string;
  readonly driveEndpoint?: string;
}

/** `facehand predict`. */
export function predictCommand(context: Context): Command {
  return verb(
    "predict",
    "probability of male as recorded in the training labels, for images of hands or faces",
  )
    .argument(
      "<ckpt>",
      "checkpoint (.safetensors), a run folder for its best one, or upstream:best-umcc, upstream:best-mag",
    )
    .option("--mirror <place>", "with upstream:...: folder, or address, that has the published checkpoint")
    .addOption(driveOption())
    .argument("<image...>", "crops as `derive` makes them, or photos with --detect")
    .addOption(
      new Option(
        "--modality <name>",
        "what the images show: UMCC F1 is told, MAG takes that head; auto: MAG's gate decides, UMCC F1 is told what --detect found",
      )
        .choices([...MODALITIES, "auto"])
        .default("auto"),
    )
    .option(
      "--detect",
      "find the face or the hand in a photo first (the largest), and crop it as `derive` does",
    )
    .option("--face-model <file>", "with --detect: YuNet (.onnx) instead of the built-in MediaPipe detector")
    .option(
      "--hand-model <file>",
      "with --detect: hand_detector.onnx of ai-forever/dynamic_gestures likewise",
    )
    .addOption(
      new Option("--hand-crop <how>", "with --detect: hands cut as `derive --hand-crop` did")
        .choices([...HAND_CROPS])
        .default("landmarks"),
    )
    .option(
      "--threads <n>",
      "threads of ONNX Runtime (default: one per core)",
      wholeNumber("--threads", 1, 1024),
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
  images: readonly string[],
  flags: Flags,
): Promise<void> {
  await checkFiles(images);
  const device = await chooseDevice(flags.device);
  const model = await loadModel(await fetchedModel(context, ckpt, flags));
  const { facts } = model;
  if (flags.detect !== true) checkAsked([flags.modality], facts);
  const { threads } = flags;
  const options = { batch: 1, device, ...(threads === undefined ? {} : { threads }) };
  const predictor = await openLocalPredictor(facts, model.weights, options);
  try {
    const crops = await prepareAll(context, images, facts, flags);
    const rows = (await predictCrops(predictor, crops)).map((row, i) => rowOf(row, crops[i]!));
    for (const { warning } of rows) if (warning !== undefined) context.report(warning);
    context.print(
      flags.json === true ? JSON.stringify(rowsJson(model, rows), null, 2) : formatRows(model, rows),
    );
  } finally {
    await predictor.close();
  }
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
      ...(mirror === undefined ? {} : { mirror }),
      ...(driveEndpoint === undefined ? {} : { driveEndpoint }),
    });
  } finally {
    line.done();
  }
}

const isPublished = (ckpt: string) => ckpt.startsWith(UPSTREAM_PREFIX);

const sought = ({ modality }: Flags): readonly Modality[] => (modality === "auto" ? MODALITIES : [modality]);

/** Flags that nothing would look at are refused before anything is read. */
function checkFlags(command: Command, ckpt: string, flags: Flags): void {
  for (const flag of ["--mirror", "--drive-endpoint"])
    onlyWith(command, flag, `a checkpoint of ${UPSTREAM_PREFIX}...`, isPublished(ckpt));
  const given = { face: ["--face-model"], hand: ["--hand-model", "--hand-crop"] };
  for (const modality of MODALITIES) {
    const seeks = flags.detect === true && sought(flags).includes(modality);
    for (const flag of given[modality])
      onlyWith(command, flag, `--detect with --modality ${modality} or auto`, seeks);
  }
}

/** Folders and absent files are told before a model is loaded. */
async function checkFiles(images: readonly string[]): Promise<void> {
  for (const path of images) {
    if (!(await isFolder(path))) continue;
    const hint = `list its files, e.g. ${path.replace(/\/+$/, "")}/*.jpg`;
    throw unexpected("input", {
      code: "IMAGE_FOLDER",
      expected: "a file",
      name: "the image",
      got: path,
      hint,
    });
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw isNotFound(error) ? missingFile(path, "an image") : error;
  }
}

interface Prepared extends AskedCrop {
  /** What was cut out of a photo, and where. */
  readonly found?: Found;
}

async function prepareAll(
  { signal, report }: Context,
  images: readonly string[],
  facts: ModelFacts,
  flags: Flags,
): Promise<Prepared[]> {
  const { sizePx } = facts.pixels;
  const finder =
    flags.detect === true ? await openFinder({ ...flags, modalities: sought(flags) }) : undefined;
  const line = startProgress("images", images.length);
  try {
    const all: Prepared[] = [];
    for (const image of images) {
      if (signal.aborted) throw new Interrupted("Stopped; nothing was predicted");
      if (finder === undefined) {
        all.push({ image, pixels: shrinkCrop(await decodeImage(image), sizePx), asked: flags.modality });
      } else {
        const bytes = await readBytes(image, "an image");
        // As derivation decodes frames, so that its crops come out.
        const found = await withPhoto(bytes, { name: image }, (photo) =>
          findAll(finder, { image, photo, facts, flags, report }),
        );
        all.push(...found);
      }
      line.tick();
    }
    return all;
  } finally {
    line.done();
    await finder?.close();
  }
}

interface Search {
  readonly image: string;
  readonly photo: RgbImage;
  readonly facts: ModelFacts;
  readonly flags: Flags;
  readonly report: Context["report"];
}

async function findAll(finder: Finder, search: Search): Promise<Prepared[]> {
  const { image, photo, facts, flags, report } = search;
  const wanted = sought(flags);
  const all: Prepared[] = [];
  for (const modality of wanted) {
    const hit = await finder.find(photo, modality);
    if (hit === undefined) continue;
    const { crop, box, among } = hit;
    if (among > 1) report(`${image}: ${among} ${modality}s found, the largest is used`);
    const pixels = shrinkCrop(crop, facts.pixels.sizePx).slice(); // the crop lasts no longer than the photo
    all.push({ image, pixels, asked: askedOfFound(search, modality), found: { modality, box } });
  }
  if (all.length === 0) throw notFound(image, photo, wanted);
  return all;
}

/** UMCC F1 is told what was found; MAG answers by its gate unless one of its heads was asked for. */
function askedOfFound({ facts, flags }: Search, modality: Modality): AskedModality {
  return facts.arch === "mag" ? flags.modality : askedOf(facts, modality);
}

function notFound(image: string, photo: Search["photo"], wanted: readonly Modality[]): AppError {
  const what = wanted.join(" or ");
  const code = wanted.length > 1 ? "NO_FACE_OR_HAND" : wanted[0] === "face" ? "NO_FACE" : "NO_HAND";
  const size = `${photo.width} x ${photo.height} px`;
  const message = `Expected a ${what} in ${image}, got none that can be used in its ${size}`;
  const other = wanted.map((modality) => `--${modality}-model`).join(" or ");
  const hint = `a photo where it is larger, another detector by ${other}, or a crop without --detect`;
  return new AppError("data", code, message, { hint });
}

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
import type { Box } from "../derive/geometry.ts";
import { HAND_CROPS, type HandCrop } from "../derive/hand-source.ts";
import { chooseDevice, type Device } from "../engine/device.ts";
import { decideClass } from "../evaluate/classes.ts";
import { alignColumns, LABEL_NOTE } from "../evaluate/format.ts";
import type { ClassProbabilities } from "../evaluate/prediction-row.ts";
import type { AskedModality } from "../models/predictor.ts";
import { openLocalPredictor } from "../train/infer.ts";
import { type LoadedModel, loadModel } from "../train/model-file.ts";
import { type AskedCrop, type CropPrediction, predictCrops, shrinkCrop } from "../train/predict.ts";
import { UPSTREAM_PREFIX, upstreamModel } from "../train/upstream.ts";
import { startBytes } from "./bytes-progress.ts";
import { type Context, deviceOption, driveOption, jsonOption, verb, wholeNumber } from "./context.ts";

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
      new Option("--modality <name>", "what the images show; auto leaves it to the model, or to --detect")
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
    .action((ckpt: string, images: string[], flags: Flags) => predict(context, ckpt, images, flags));
}

async function predict(
  context: Context,
  ckpt: string,
  images: readonly string[],
  flags: Flags,
): Promise<void> {
  checkDetectors(flags);
  await checkFiles(images);
  const device = await chooseDevice(flags.device);
  const model = await loadModel(await fetchedModel(context, ckpt, flags));
  const { threads } = flags;
  const options = { batch: 1, device, ...(threads === undefined ? {} : { threads }) };
  const predictor = await openLocalPredictor(model.facts, model.weights, options);
  try {
    const crops = await prepareAll(context, images, model.facts.pixels.sizePx, flags);
    const rows = (await predictCrops(predictor, crops)).map((row, i) => withBox(row, crops[i]!));
    context.print(flags.json === true ? JSON.stringify(toJson(model, rows), null, 2) : told(model, rows));
  } finally {
    await predictor.close();
  }
}

/** A published checkpoint is fetched and converted, or found in the cache; anything else is a path. */
async function fetchedModel({ signal }: Context, ckpt: string, flags: Flags): Promise<string> {
  const { mirror, driveEndpoint } = flags;
  if (!ckpt.startsWith(UPSTREAM_PREFIX)) {
    if (mirror === undefined) return ckpt;
    const expected = `it only with ${UPSTREAM_PREFIX}...`;
    throw unexpected("input", { code: "FLAG", expected, name: "--mirror", got: ckpt });
  }
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

const sought = ({ modality }: Flags): readonly Modality[] => (modality === "auto" ? MODALITIES : [modality]);

function checkDetectors(flags: Flags): void {
  const given = { face: flags.faceModel, hand: flags.handModel };
  for (const modality of MODALITIES) {
    if (given[modality] === undefined) continue;
    if (flags.detect === true && sought(flags).includes(modality)) continue;
    const expected = `--detect with --modality ${modality} or auto`;
    const name = `--${modality}-model`;
    throw unexpected("input", { code: "FLAG", expected, name, got: "other flags" });
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
  readonly found?: { readonly modality: Modality; readonly box: Box<"px"> };
}

async function prepareAll(
  { signal, report }: Context,
  images: readonly string[],
  sizePx: number,
  flags: Flags,
): Promise<Prepared[]> {
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
        const wanted = sought(flags);
        const bytes = await readBytes(image, "an image");
        // As derivation decodes frames, so that its crops come out.
        const found = await withPhoto(bytes, { name: image }, (photo) =>
          findAll(finder, { image, photo, sizePx, wanted, report }),
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
  readonly sizePx: number;
  readonly wanted: readonly Modality[];
  readonly report: Context["report"];
}

/** The model is told what was found: a detector knows a face from a hand. */
async function findAll(finder: Finder, search: Search): Promise<Prepared[]> {
  const { image, photo, sizePx, wanted, report } = search;
  const all: Prepared[] = [];
  for (const modality of wanted) {
    const hit = await finder.find(photo, modality);
    if (hit === undefined) continue;
    const { crop, box, among } = hit;
    if (among > 1) report(`${image}: ${among} ${modality}s found, the largest is used`);
    const pixels = shrinkCrop(crop, sizePx).slice(); // the crop lasts no longer than the photo
    all.push({ image, pixels, asked: modality, found: { modality, box } });
  }
  if (all.length === 0) throw notFound(image, photo, wanted);
  return all;
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

interface Row extends CropPrediction {
  /** x, y, width, height in px of the photo. */
  readonly box?: Box<"px">;
}

function withBox(prediction: CropPrediction, { found }: Prepared): Row {
  return found === undefined ? prediction : { ...prediction, modality: found.modality, box: found.box };
}

function toJson({ path, facts }: LoadedModel, predictions: readonly Row[]) {
  const { tag, arch, threshold } = facts;
  return { model: { path, tag, arch, threshold }, note: LABEL_NOTE, predictions };
}

function told({ path, facts }: LoadedModel, rows: readonly Row[]): string {
  const gated = rows.some(({ gateHand }) => gateHand !== null);
  const targets = (facts.targets ?? []).map(({ name }) => name);
  const header = ["image", "modality", "p(male)", "decision", ...(gated ? ["gate hand"] : []), ...targets];
  const body = rows.map(({ image, modality, probability, decision, gateHand, classes }) => [
    image,
    modality ?? "-",
    probability.toFixed(4),
    decision,
    ...(gated ? [gateHand === null ? "-" : gateHand.toFixed(3)] : []),
    ...targets.map((name) => likeliest(classes![name]!)),
  ]);
  return [
    `${facts.arch} ${facts.tag} (${path})`,
    alignColumns([header, ...body]),
    `p(male): probability of male as recorded in the training labels; decision male from ${facts.threshold.toFixed(2)}`,
    ...(targets.length === 0 ? [] : [`${targets.join(", ")}: ${CLASS_NOTE}`]),
    LABEL_NOTE,
  ].join("\n");
}

/** What classes are. */
const CLASS_NOTE =
  "apparent, the likeliest of the classes recorded in the training data, with its probability";

function likeliest(probabilities: ClassProbabilities): string {
  const name = decideClass(probabilities);
  return `${name} ${probabilities[name]!.toFixed(2)}`;
}

// From images to crops for `facehand predict`: photos are searched and cut, and may be drawn with what was found; crops are
// taken as they are, and told if they look like photos. Invariant: every image is read before anything is answered.
import { basename, extname, join } from "node:path";
import { AppError, Interrupted } from "../../core/errors.ts";
import { startProgress } from "../../core/progress.ts";
import { MODALITIES, type Modality } from "../../core/words.ts";
import { type Finder, openFinder } from "../../find/find.ts";
import type { HandCrop } from "../../find/hand-source.ts";
import { fromSquare, type TurnedSquare } from "../../find/hand-square.ts";
import { looksUncropped } from "../../find/uncropped.ts";
import { readBytes, writeAtomic } from "../../machine/files.ts";
import type { ModelFacts } from "../../models/facts.ts";
import { type Colour, drawOutline } from "../../pixels/draw.ts";
import { copyOf, withPhoto } from "../../pixels/fast/resize.ts";
import type { Box } from "../../pixels/geometry.ts";
import { decodeImage, encodeJpeg } from "../../pixels/image.ts";
import type { RgbImage } from "../../pixels/pixels.ts";
import { type AskedCrop, shrinkCrop } from "../../predict/predict.ts";
import { type AskedModality, askedOf } from "../../predict/predictor.ts";
import type { Context } from "../context.ts";
import type { Found } from "./rows.ts";

/** One crop. */
export interface Prepared extends AskedCrop {
  /** What was cut out of a photo, and where. */
  readonly found?: Found;
  /** Why it looks like a photo that was not cropped. */
  readonly uncropped?: string;
}

/** What is asked of photos. */
export interface PrepareFlags {
  readonly modality: AskedModality;
  readonly detect?: boolean;
  readonly faceModel?: string;
  readonly handModel?: string;
  readonly handCrop: HandCrop;
}

/** The modalities that are looked for. */
export const sought = ({ modality }: PrepareFlags): readonly Modality[] =>
  modality === "auto" ? MODALITIES : [modality];

/** Crops to be predicted, the photos in which nothing was found, and the files that could not be read. */
export interface PreparedImages {
  readonly crops: readonly Prepared[];
  readonly notFound: readonly string[];
  /** What was said of files that hold no picture that can be read. */
  readonly unread: readonly string[];
}

/** How images become crops. */
export interface Preparing {
  readonly facts: ModelFacts;
  readonly flags: PrepareFlags;
  /** Folder for photos with what was found drawn in. */
  readonly pictures?: string | undefined;
}

/**
 * Reads all images, finds and cuts what is in photos, or looks whether crops are such.
 *
 * @throws AppError("data", "NO_FACE" | "NO_HAND" | "NO_FACE_OR_HAND") if no image has any; as decodeImage if none can be read
 */
export async function prepareAll(
  { signal, report }: Pick<Context, "signal" | "report">,
  images: readonly string[],
  { facts, flags, pictures }: Preparing,
): Promise<PreparedImages> {
  const modalities = flags.detect === true ? sought(flags) : MODALITIES;
  let finder: Promise<Finder> | undefined; // to load its models takes longer than to predict a small crop
  const open = () => {
    finder ??= openFinder({ ...flags, modalities });
    return finder;
  };
  const line = startProgress("images", images.length);
  const crops: Prepared[] = [];
  const [notFound, unread]: [AppError[], AppError[]] = [[], []];
  try {
    const names = pictureNames(images);
    for (const [i, image] of images.entries()) {
      if (signal.aborted) throw new Interrupted("Stopped; nothing was predicted");
      const save = pictures === undefined ? undefined : join(pictures, names[i]!);
      const search = { image, facts, flags, report, save };
      const look = async () => (flags.detect === true ? findAll(await open(), search) : asCrop(open, search));
      const found = await look().catch(unreadable);
      if (found instanceof AppError) (isUnread(found) ? unread : notFound).push(found);
      else crops.push(...found);
      line.tick();
    }
    if (crops.length === 0) throw notFound[0] ?? unread[0]!;
    const told = (all: readonly AppError[]) => all.map(({ message }) => message);
    return { crops, notFound: told(notFound), unread: told(unread) };
  } finally {
    line.done();
    await (await finder?.catch(() => undefined))?.close();
  }
}

/** No picture, or nothing that can be read: a link of a folder may lead nowhere, a file be gone or without rights. */
const isUnread = ({ code }: AppError) =>
  code.startsWith("IMAGE_") || code === "FILE_MISSING" || code === "READ_FAILED";

/** One file of many that holds no picture is told with the answers; any other fault ends all. */
function unreadable(error: unknown): AppError {
  if (error instanceof AppError && isUnread(error)) return error;
  throw error;
}

/** Names of the drawn photos: those of the files, with a number where two are the same. */
function pictureNames(images: readonly string[]): string[] {
  const taken = new Set<string>();
  return images.map((image) => {
    const stem = basename(image, extname(image));
    for (let n = 1; ; n++) {
      const name = `${stem}${n === 1 ? "" : `-${n}`}.jpg`;
      if (taken.has(name.toLowerCase())) continue;
      taken.add(name.toLowerCase());
      return name;
    }
  });
}

/** Sources whose pictures are taken as they are, whatever their sides. */
const OBLONG = ["hands11k", "utkface", "fairface"];

async function asCrop(open: () => Promise<Finder>, { image, facts, flags }: Search): Promise<Prepared[]> {
  const picture = await decodeImage(image);
  const mayBeOblong = facts.trainedOn.some(({ kind }) => OBLONG.includes(kind));
  const uncropped = await looksUncropped(open, picture, mayBeOblong);
  const pixels = shrinkCrop(picture, facts.pixels.sizePx);
  return [{ image, pixels, asked: flags.modality, ...(uncropped === undefined ? {} : { uncropped }) }];
}

interface Search {
  readonly image: string;
  readonly facts: ModelFacts;
  readonly flags: PrepareFlags;
  readonly report: Context["report"];
  /** Where the photo is drawn to. */
  readonly save: string | undefined;
}

/** As derivation decodes frames, so that its crops come out. */
async function findAll(finder: Finder, search: Search): Promise<Prepared[] | AppError> {
  const bytes = await readBytes(search.image, "an image");
  return withPhoto<Prepared[] | AppError>(bytes, { name: search.image }, async (photo) => {
    const { image, facts, flags, report, save } = search;
    const drawn = save === undefined ? undefined : copyOf(photo);
    const all: Prepared[] = [];
    for (const modality of sought(flags)) {
      const hit = await finder.find(photo, modality);
      if (hit === undefined) continue;
      const { crop, box, square, among } = hit;
      if (among > 1) report(`${image}: ${among} ${modality}s found, the largest is used`);
      const pixels = shrinkCrop(crop, facts.pixels.sizePx).slice(); // the crop lasts no longer than the photo
      all.push({ image, pixels, asked: askedOfFound(search, modality), found: { modality, box } });
      if (drawn !== undefined) drawFound(drawn, modality, box, square);
    }
    if (drawn !== undefined) await writeAtomic(save!, await encodeJpeg(drawn, { quality: 90 }));
    return all.length > 0 ? all : notFoundIn(image, photo, sought(flags));
  });
}

const COLOURS = { hand: [255, 170, 0], face: [0, 200, 255] } as const satisfies Record<Modality, Colour>;

/** What was found, and in white what was cut around it. */
function drawFound(image: RgbImage, modality: Modality, box: Box<"px">, square: TurnedSquare): void {
  const corners = [
    { x: 0, y: 0 },
    { x: 1, y: 0 },
    { x: 1, y: 1 },
    { x: 0, y: 1 },
  ] as const;
  drawOutline(
    image,
    corners.map((corner) => fromSquare(square, corner)),
    [255, 255, 255],
  );
  const at = ({ x, y }: (typeof corners)[number]) => ({
    x: box.x + x * box.width,
    y: box.y + y * box.height,
  });
  drawOutline(image, corners.map(at), COLOURS[modality]);
}

/** UMCC F1 is told what was found; MAG answers by its gate unless one of its heads was asked for. */
function askedOfFound({ facts, flags }: Search, modality: Modality): AskedModality {
  return facts.arch === "mag" ? flags.modality : askedOf(facts, modality);
}

function notFoundIn(image: string, photo: RgbImage, wanted: readonly Modality[]): AppError {
  const what = wanted.join(" or ");
  const code = wanted.length > 1 ? "NO_FACE_OR_HAND" : wanted[0] === "face" ? "NO_FACE" : "NO_HAND";
  const size = `${photo.width} x ${photo.height} px`;
  const message = `Expected a ${what} in ${image}, got none that can be used in its ${size}`;
  const other = wanted.map((modality) => `--${modality}-model`).join(" or ");
  const hint = `a photo where it is larger, another detector by ${other}, or a crop without --detect`;
  return new AppError("data", code, message, { hint });
}

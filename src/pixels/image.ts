// Decode and encode pictures: the only importer of sharp, which only decodes and encodes.
// Whatever the file holds (EXIF turn, CMYK, 16 bit, grey, palette, alpha, ICC profile), RGB u8 in sRGB comes out.
// Plain JPEGs decode to the same bytes as in Pillow. Size is judged by the header, before any pixel is read.
import { stat } from "node:fs/promises";
import type { Metadata, Sharp } from "sharp";
import { isNotFound, missingFile, unexpected } from "../core/errors.ts";
import { causeOf, endsOf } from "../core/sniff.ts";
import { readBytes } from "../machine/files.ts";
import { causeIn } from "../machine/sniff-file.ts";
import {
  badOption,
  brokenImage,
  type DecodeOptions,
  emptyImage,
  FORMATS,
  type ImageFormat,
  isUntaggedJpeg,
  MAX_PIXELS,
  notAnImage,
  pixelLimit,
  plainJpegPixels,
  tooLarge,
} from "./picture-file.ts";
import { checkImage, type RgbImage } from "./pixels.ts";

type Decoder = typeof import("sharp").default;
let loading: Promise<Decoder> | undefined;

/**
 * sharp, loaded by the first picture that needs it: it takes half of a loader's thread's start, and crops are plain JPEGs, which
 * our own code decodes.
 *
 * @throws AppError("data", "SHARP_REFUSED") where the system refuses its files, or they are not there
 */
function decoder(): Promise<Decoder> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined; // the next picture may find files free
    throw error;
  });
  return loading;
}

async function load(): Promise<Decoder> {
  const { default: sharp } = await import("sharp").catch((cause: unknown) => {
    throw unexpected("data", {
      code: "SHARP_REFUSED",
      expected: "the library sharp to load",
      name: "pictures",
      got: cause instanceof Error ? cause.message : cause,
      hint: "allow more open files (ulimit -n 4096), or install facehand again",
      cause,
    });
  });
  // Parallelism comes from files decoded side by side, and every file is decoded once: no inner threads, no cache.
  sharp.concurrency(1);
  sharp.cache(false);
  return sharp;
}

/** Versions of the libraries that decode. */
export async function imageLibraries(): Promise<{ readonly sharp: string; readonly vips: string }> {
  const { versions } = await decoder();
  return { sharp: versions.sharp ?? "unknown", vips: versions.vips };
}

/** What the header states, after the EXIF turn. */
export interface ImageHeader {
  readonly width: number;
  readonly height: number;
  readonly format: ImageFormat;
}

/**
 * Decode a picture file upright into sRGB. Alpha is dropped, not blended, as Pillow's convert("RGB") does;
 * of an animation the first frame is read.
 *
 * @param source - path, or the bytes of a whole file
 * @param options - size limit; a name for bytes
 * @returns RGB u8, [height, width, 3]
 * @throws AppError("input", "IMAGE_OPTION"), AppError("data", "FILE_MISSING" | "IMAGE_EMPTY" | "IMAGE_FORMAT" |
 *   "IMAGE_TOO_LARGE" | "IMAGE_BROKEN")
 * @example await decodeImage("hands/H_1.jpg")
 */
export async function decodeImage(
  source: string | Uint8Array,
  options: DecodeOptions = {},
): Promise<RgbImage> {
  const limit = pixelLimit(options.maxPixels);
  if (typeof source !== "string" && !(ArrayBuffer.isView(source) && source.BYTES_PER_ELEMENT === 1))
    throw badOption("the image", "a path or a Uint8Array", source);
  const where = typeof source === "string" ? source : (options.name ?? "image bytes");
  const bytes = typeof source === "string" ? await readBytes(source, "an image") : source;
  if (bytes.length === 0) throw emptyImage(where);
  const maxPixels = limit(bytes);
  const sharp = await decoder();
  const known = plainJpegPixels(bytes); // saves a tenth of the decoding of a small picture
  let isDeep = false;
  if (known === undefined || known > maxPixels) {
    const { header, hasDeepProfile } = await readHeader(bytes, where);
    const { width, height } = header;
    if (width * height > maxPixels) throw tooLarge(width, height, maxPixels, where);
    isDeep = hasDeepProfile;
  }
  try {
    const rgb = sharp(bytes, { failOn: "error", limitInputPixels: maxPixels })
      .autoOrient()
      .removeAlpha()
      .toColourspace("srgb");
    // sharp takes 16 bits with a profile to Display P3, and further to sRGB only if it is asked to end in a profile.
    const { data, info } = await (isDeep ? rgb.withIccProfile("srgb", { attach: false }) : rgb)
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data: plain(data) };
  } catch (cause) {
    throw brokenImage(cause, bytes, where);
  }
}

/**
 * Size and format from the header alone; no pixel is decoded, so a bomb costs nothing.
 *
 * @returns size in px as the picture is seen (after the EXIF turn)
 * @throws AppError("data", "FILE_MISSING" | "IMAGE_EMPTY" | "IMAGE_FORMAT")
 */
export async function imageSize(path: string): Promise<ImageHeader> {
  try {
    if ((await stat(path)).size === 0) throw emptyImage(path);
  } catch (cause) {
    throw isNotFound(cause) ? missingFile(path, "an image") : cause;
  }
  return (await readHeader(path, path)).header;
}

/** How a picture is stored, by EXIF's number: 1 upright, 2 to 8 mirrored, turned or both. */
export type ExifTurn = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/**
 * How the stored pixels of a file are turned by `decodeImage`; from its header alone.
 *
 * @param bytes - a whole file; of one that is no picture, 1: decoding reports what is wrong with it
 * @example if ((await exifTurn(bytes)) !== 1) console.log("stored turned")
 */
export async function exifTurn(bytes: Uint8Array): Promise<ExifTurn> {
  if (bytes.length === 0 || isUntaggedJpeg(bytes)) return 1;
  const sharp = await decoder();
  const { orientation = 1 } = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch(() => ({ orientation: 1 }));
  return orientation >= 1 && orientation <= 8 ? (orientation as ExifTurn) : 1;
}

interface ReadHeader {
  readonly header: ImageHeader;
  /** Colours of 16 bits in a space of their own. */
  readonly hasDeepProfile: boolean;
}

async function readHeader(input: string | Uint8Array, where: string): Promise<ReadHeader> {
  const shown = () => (typeof input === "string" ? causeIn(input, FORMATS) : causeOf(endsOf(input), FORMATS));
  const sharp = await decoder();
  let metadata: Metadata;
  try {
    metadata = await sharp(input, { limitInputPixels: false }).metadata();
  } catch (cause) {
    throw notAnImage(cause, where, shown());
  }
  const format = FORMATS.find((known) => known === metadata.format);
  if (format === undefined) throw notAnImage(metadata.format, where, shown());
  const hasDeepProfile = metadata.space === "rgb16" && metadata.icc !== undefined;
  return { header: { ...metadata.autoOrient, format }, hasDeepProfile };
}

/** The default; derived crops have theirs from the recipe. */
export const JPEG = { quality: 90, chroma: "4:2:0" } as const;

/** How a JPEG is encoded. */
export interface JpegOptions {
  /** 1 to 100; default 90. */
  readonly quality?: number | undefined;
  /** Default 4:2:0, as Pillow's. */
  readonly chroma?: "4:2:0" | "4:4:4" | undefined;
}

/**
 * JPEG bytes without metadata; the same picture and options always give the same bytes.
 *
 * @throws AppError("input", "NOT_AN_IMAGE" | "IMAGE_OPTION")
 */
export async function encodeJpeg(image: RgbImage, options: JpegOptions = {}): Promise<Uint8Array> {
  const { quality = JPEG.quality, chroma = JPEG.chroma } = options;
  if (!Number.isInteger(quality) || quality < 1 || quality > 100)
    throw badOption("quality", "an integer from 1 to 100", quality);
  if (!["4:2:0", "4:4:4"].includes(chroma)) throw badOption("chroma", "4:2:0 or 4:4:4", chroma);
  return plain(await (await fromPixels(image)).jpeg({ quality, chromaSubsampling: chroma }).toBuffer());
}

/**
 * PNG bytes (lossless) without metadata; deterministic.
 *
 * @throws AppError("input", "NOT_AN_IMAGE")
 */
export async function encodePng(image: RgbImage): Promise<Uint8Array> {
  return plain(await (await fromPixels(image)).png({ compressionLevel: 9 }).toBuffer());
}

/** The same memory without Node's Buffer methods, some of which differ from Uint8Array's. */
function plain(buffer: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.length);
}

async function fromPixels(image: RgbImage): Promise<Sharp> {
  checkImage(image);
  const { width, height, data } = image;
  const sharp = await decoder();
  return sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false });
}

export interface SvgOptions {
  /** Width of the output, px; default the drawing's own. Height follows. */
  readonly widthPx?: number | undefined;
  /** Colour behind the drawing; default white. */
  readonly background?: string | undefined;
}

/**
 * Draw an SVG that the program itself made. Text depends on the fonts of the machine, shapes do not.
 *
 * @param svg - a whole SVG document with width and height, or a viewBox
 * @returns RGB u8
 * @throws AppError("data", "SVG_BROKEN") if it is not a drawing
 * @example await renderSvg('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>', { widthPx: 64 })
 */
export async function renderSvg(svg: string, options: SvgOptions = {}): Promise<RgbImage> {
  const { widthPx, background = "#ffffff" } = options;
  const source = Buffer.from(svg);
  const sharp = await decoder();
  try {
    const own = await sharp(source).metadata();
    // Drawn at the wanted scale instead of being enlarged from 72 dots per inch.
    const density = widthPx === undefined ? 72 : Math.min(100_000, (72 * widthPx) / own.width);
    const drawing = sharp(source, { density: Math.max(1, density), limitInputPixels: MAX_PIXELS });
    const sized = widthPx === undefined ? drawing : drawing.resize({ width: widthPx });
    const { data, info } = await sized
      .flatten({ background })
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data: plain(data) };
  } catch (cause) {
    throw unexpected("data", {
      code: "SVG_BROKEN",
      expected: "a complete SVG document",
      name: "the drawing",
      got: cause,
      hint: "report it: drawings are made by the program itself",
      cause,
    });
  }
}

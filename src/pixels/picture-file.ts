// ◇ Browser-safe. What is known of a picture's file before its pixels are: which formats and sizes are read, how others are
// refused, and the size of a plain JPEG by its header alone.
// Source: ITU-T T.81 annex B (markers and the frame header). Invariants: what is not understood has no size here; the page
// refuses in the words of Node.
import { type AppError, unexpected } from "../core/errors.ts";
import { type Cause, causeOf, endsOf } from "../core/sniff.ts";

/** Files that are read; SVG is not among them, since it can refer to other files. */
export const FORMATS = ["jpeg", "png", "webp", "gif", "tiff", "heif"] as const;
export type ImageFormat = (typeof FORMATS)[number];

/** 10,000 x 10,000: more than any camera frame, 300 MB decoded. */
export const MAX_PIXELS = 100_000_000;
/** 180 MB decoded; what claims more than that, and a few for each of its bytes, is a bomb. */
const FREE_PIXELS = 60_000_000;
const PIXELS_PER_BYTE = 4;

/** What is refused, and what messages call the image. */
export interface DecodeOptions {
  /** Width x height allowed by the header; default 100 million, of which 60 and 4 for each byte of the file. */
  readonly maxPixels?: number | undefined;
  /** What messages call the picture if it is given as bytes. */
  readonly name?: string | undefined;
}

/**
 * As many pixels as a file may have, by its bytes.
 *
 * @param most - whatever its bytes
 * @throws AppError("input", "IMAGE_OPTION")
 */
export function pixelLimit(most: number = MAX_PIXELS): (bytes: Uint8Array) => number {
  if (!Number.isSafeInteger(most) || most < 1) throw badOption("maxPixels", "an integer from 1 on", most);
  return ({ length }) => Math.min(most, FREE_PIXELS + PIXELS_PER_BYTE * length);
}

/** A wrong argument of a function that reads or writes images. */
export function badOption(name: string, expected: string, got: unknown): AppError {
  return unexpected("input", { code: "IMAGE_OPTION", expected, name, got });
}

/** A file without a byte. */
export function emptyImage(where: string): AppError {
  return unexpected("data", {
    code: "IMAGE_EMPTY",
    expected: "an image",
    name: "the file",
    got: "an empty file",
    where,
    hint: "fetch or write the file again; nothing was stored",
  });
}

/**
 * A file that is no image of a format that is read.
 *
 * @param shown - what its bytes show
 * @param formats - those that are read here
 */
export function notAnImage(
  got: unknown,
  where: string,
  shown: Cause | undefined,
  formats: readonly ImageFormat[] = FORMATS,
): AppError {
  return unexpected("data", {
    code: "IMAGE_FORMAT",
    expected: `an image (${formats.join(", ")})`,
    name: "the file",
    got,
    where,
    hint: "check that it is an image in one of these formats",
    ...shown,
    cause: got instanceof Error ? got : undefined,
  });
}

/** A header that states more pixels than are allowed. */
export function tooLarge(width: number, height: number, maxPixels: number, where: string): AppError {
  return unexpected("data", {
    code: "IMAGE_TOO_LARGE",
    expected: `at most ${maxPixels} pixels`,
    name: "the image's size",
    got: `${width} x ${height}`,
    where,
    hint: "shrink the image, or remove the file if it should not be this large",
  });
}

/** A file whose header is fine and whose pixels are not. */
export function brokenImage(cause: unknown, bytes: Uint8Array, where: string): AppError {
  return unexpected("data", {
    code: "IMAGE_BROKEN",
    expected: "a complete image",
    name: "the file's pixels",
    got: cause,
    hint: "fetch or write the file again; its beginning and its end are there, bytes between are damaged",
    ...causeOf(endsOf(bytes), FORMATS),
    where,
    cause,
  });
}

const EXIF = 0xe1;
/** Segments of plain files before the frame: JFIF, Exif, ICC profile, Adobe, comment, tables, restart interval. */
const APP = [
  { marker: 0xe0, starts: "JFIF\0" },
  { marker: EXIF, starts: "Exif\0" },
  { marker: 0xe2, starts: "ICC_PROFILE\0" },
  { marker: 0xee, starts: "Adobe" },
];
const OTHERS = [0xfe, 0xdb, 0xc4, 0xdd];
/** Baseline, extended and progressive Huffman coding. */
const FRAMES = [0xc0, 0xc1, 0xc2];

/**
 * Width times height by the frame header.
 *
 * @param bytes - a whole file of any kind
 * @returns px; undefined if it is not a JPEG, is broken, or has segments that may hold more than one picture
 * @example plainJpegPixels(await readFile("hands/H_1.jpg"))
 */
export function plainJpegPixels(bytes: Uint8Array): number | undefined {
  return readHeader(bytes)?.pixels;
}

/**
 * Whether a file is a JPEG whose header is understood and has no Exif: nothing in it marks it as stored turned.
 *
 * @example isUntaggedJpeg(await readFile("hands/H_1.jpg"))
 */
export function isUntaggedJpeg(bytes: Uint8Array): boolean {
  return readHeader(bytes)?.exif === false;
}

function readHeader(bytes: Uint8Array): { readonly pixels: number; readonly exif: boolean } | undefined {
  let exif = false;
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  for (let at = 2; at + 9 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1]!;
    if (FRAMES.includes(marker)) {
      if (bytes[at + 4] !== 8) return undefined; // bits a sample
      const pixels = uint16(bytes, at + 5) * uint16(bytes, at + 7);
      return pixels > 0 ? { pixels, exif } : undefined;
    }
    if (!OTHERS.includes(marker) && !isPlainApp(bytes, at)) return undefined;
    if (marker === EXIF) exif = true;
    at += 2 + uint16(bytes, at + 2);
  }
  return undefined;
}

function isPlainApp(bytes: Uint8Array, at: number): boolean {
  const starts = APP.find(({ marker }) => marker === bytes[at + 1])?.starts;
  if (starts === undefined) return false;
  return [...starts].every((letter, k) => bytes[at + 4 + k] === letter.charCodeAt(0));
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 256 + bytes[at + 1]!;
}

// ◇ Browser-safe. Size of a plain JPEG, read from its header without a decoder.
// Source: ITU-T T.81 annex B (markers and the frame header). Invariant: what is not understood has no size here.

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

// ◇ Browser-safe. Decodes pictures in the page to the bytes that Node has of them (pixels/image.ts): plain JPEGs by our own
// decoder, all others by libvips in WebAssembly, which is loaded when it is first needed. For a Web Worker.
// Source: what sharp does with libvips for image.ts (pipeline.cc), in its order. Invariants: size is judged by the header, before
// any pixel is read; what libvips holds of a picture is freed before the picture is returned.

import loader from "wasm-vips?url";
import type Vips from "wasm-vips";
import binary from "wasm-vips/vips.wasm?url";
import { unexpected } from "../core/errors.ts";
import { causeOf, endsOf, otherThan } from "../core/sniff.ts";
import { Pictures, withPicture } from "../pixels/fast/pictures.ts";
import {
  brokenImage,
  type DecodeOptions,
  emptyImage,
  FORMATS,
  notAnImage,
  pixelLimit,
  plainJpegPixels,
  tooLarge,
} from "../pixels/picture-file.ts";
import type { RgbImage } from "../pixels/pixels.ts";
import { NO_HEADERS } from "./isolation.ts";

/** As in Node, but for HEIF, whose decoder would be as large as all the others together. */
const READ = FORMATS.filter((format) => format !== "heif");
/** Their loaders in libvips; what else it could read is refused. */
const LOADERS = ["Jpeg", "Uhdr", "Png", "Webp", "Nsgif", "Tiff"];

const pictures = new Pictures();

export interface PageDecodeOptions extends DecodeOptions {
  readonly alone?: string | undefined;
}

/**
 * Decode a picture file upright into sRGB, as `decodeImage` of Node does.
 *
 * @param bytes - of a whole file
 * @param options - size limit; what messages call it; why memory may not be shared, if it may not
 * @returns RGB u8, [height, width, 3], in memory of its own
 * @throws AppError("input", "IMAGE_OPTION"), AppError("data", "IMAGE_EMPTY" | "IMAGE_FORMAT" | "IMAGE_TOO_LARGE" |
 *   "IMAGE_BROKEN"); AppError("input", "PAGE_ISOLATION") for what needs libvips where the page may not share memory
 * @example await decodeImage(new Uint8Array(await file.arrayBuffer()), { name: file.name })
 */
export async function decodeImage(bytes: Uint8Array, options: PageDecodeOptions = {}): Promise<RgbImage> {
  const { name: where = "image bytes", maxPixels, alone = NO_HEADERS } = options;
  const limit = pixelLimit(maxPixels)(bytes);
  if (bytes.length === 0) throw emptyImage(where);
  const pixels = plainJpegPixels(bytes);
  const plain = pixels !== undefined && pixels <= limit ? pictures.plainJpeg(bytes) : undefined;
  if (plain !== undefined) return withPicture(plain, (picture) => picture.copy());
  // What is no picture is refused without libvips, and so wherever the page lies.
  const other = otherThan(endsOf(bytes).head, READ);
  if (other !== undefined) throw notAnImage(other.got, where, other, READ);
  if (!globalThis.crossOriginIsolated) throw notIsolated(where, alone);
  return decodedByVips(await openVips(), bytes, { limit, where });
}

function notIsolated(where: string, alone: string) {
  return unexpected("input", {
    code: "PAGE_ISOLATION",
    expected: "a plain JPEG (baseline, without EXIF or colour profile)",
    name: `the file, as the decoder of other files needs shared memory and ${alone}`,
    got: "another picture",
    where,
    hint: "open the page with `facehand serve`, or send Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp with it",
  });
}

let opened: Promise<typeof Vips> | undefined;

/** Loads libvips once; after a failure, again. */
function openVips(): Promise<typeof Vips> {
  opened ??= loadVips().catch((error: unknown) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

async function loadVips(): Promise<typeof Vips> {
  const [code, wasm] = [loader, binary].map((path) => new URL(path, import.meta.url).href);
  const { default: open } = (await import(/* @vite-ignore */ code!)) as { readonly default: typeof Vips };
  const vips = await open({
    dynamicLibraries: [],
    locateFile: () => wasm!,
    mainScriptUrlOrBlob: code!, // its threads
    print: () => undefined,
    printErr: () => undefined, // what it complains about is in the error
  });
  vips.concurrency(1);
  vips.Cache.max(0);
  vips.operationBlock("VipsForeignLoad", true);
  for (const name of LOADERS) vips.operationBlock(`VipsForeignLoad${name}`, false);
  return vips;
}

interface Asked {
  readonly limit: number;
  readonly where: string;
}

/** One picture; every step of it is freed at the end. */
function decodedByVips(vips: typeof Vips, bytes: Uint8Array, { limit, where }: Asked): RgbImage {
  const steps: Vips.Image[] = [];
  const add = (image: Vips.Image) => {
    steps.push(image);
    return image;
  };
  try {
    let image: Vips.Image;
    try {
      image = add(vips.Image.newFromBuffer(bytes, "", { fail_on: "error" }));
    } catch (cause) {
      throw notAnImage(faultOf(cause), where, causeOf(endsOf(bytes), READ), READ);
    }
    const turned = image.getTypeof("orientation") !== 0 && image.getInt("orientation") > 4;
    const [width, height] = turned ? [image.height, image.width] : [image.width, image.height];
    if (width * height > limit) throw tooLarge(width, height, limit, where);
    try {
      return toRgb(image, add);
    } catch (cause) {
      throw brokenImage(faultOf(cause), bytes, where);
    }
  } finally {
    for (const image of steps.reverse()) image.delete();
  }
}

const is16Bit = (space: string) => space === "rgb16" || space === "grey16";

function toRgb(image: Vips.Image, add: (image: Vips.Image) => Vips.Image): RgbImage {
  let made = add(image.autorot());
  const space = made.interpretation;
  const isDeep = space === "rgb16" && made.getTypeof("icc-profile-data") !== 0;
  const target = isDeep ? "p3" : "srgb"; // by way of it, as sharp goes
  const intent = "perceptual";
  if (made.getTypeof("icc-profile-data") !== 0 && space !== "labs" && space !== "grey16") {
    try {
      made = add(made.iccTransform(target, { embedded: true, depth: is16Bit(space) ? 16 : 8, intent }));
    } catch {
      // A profile that is none: the colours as they are, as in Node.
    }
  } else if (space === "cmyk") made = add(made.iccTransform(target, { input_profile: "cmyk", intent }));
  while (made.bands > 1 && made.hasAlpha()) made = add(made.extractBand(0, { n: made.bands - 1 }));
  if (is16Bit(made.interpretation)) made = add(made.cast("ushort"));
  if (made.interpretation !== "srgb")
    made = add(made.colourspace("srgb", { source_space: made.interpretation }));
  if (isDeep)
    made = add(made.iccTransform("srgb", { input_profile: "p3", embedded: true, depth: 8, intent }));
  if (made.format !== "uchar") made = add(made.cast("uchar"));
  // Its memory may be shared with its threads: a copy is the caller's own.
  return { width: made.width, height: made.height, data: new Uint8Array(made.writeToMemory()) };
}

/** The last thing that libvips says is the nearest to what is wrong. */
function faultOf(cause: unknown): string {
  const words = cause instanceof Error ? cause.message : String(cause);
  return words.trim().split("\n").at(-1)!;
}

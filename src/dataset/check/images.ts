// Opens every image that the tables name: whether it can be read, has the right size, and is there only once.
// Source: the perceptual hash of phash.ts. Limits measured on 430 real face chips and hands: the same picture, scaled
// to two thirds and compressed again, differs in at most 8 bits; pictures of different people in at least 60.
// Invariant: some 400 bytes of a picture stay in memory; its pixels live only while it is measured.
import { AppError, Interrupted } from "../../core/errors.ts";
import { MODALITIES, type Modality } from "../../core/words.ts";
import { readBytes, sha256 } from "../../machine/files.ts";
import { mapOrdered } from "../../machine/pool.ts";
import { Pictures, withPicture } from "../../pixels/fast/pictures.ts";
import { decodeImage } from "../../pixels/image.ts";
import { HashList, nearPairs } from "../../pixels/near.ts";
import { type Look, lookOf, thumbCorrelation } from "../../pixels/phash.ts";
import { imagePath, type Layout } from "../layout.ts";
import { pathIn } from "./files.ts";
import { type Finding, type FindingCode, finding, placeText } from "./findings.ts";
import type { ScannedRow } from "./tables.ts";

/** Images opened at once. */
export const CHECK_THREADS = 4;

/** Bits of 255 that hashes of one picture may differ in, and how well its thumbnails have to correlate. */
export const NEAR_BITS = 24;
export const NEAR_CORRELATION = 0.95;

export interface ImageCheckOptions {
  /** Images decoded at once; default 4. */
  readonly threads?: number | undefined;
  /** Side that the manifest promises, px; without one the most frequent size counts as right. */
  readonly sizePx?: number | undefined;
  /** Called after each image. */
  readonly onImage?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Seen {
  readonly row: ScannedRow;
  readonly file: string;
  readonly size: string;
  readonly sha256: string;
  readonly look: Look;
}

/** Findings about the images themselves, hands first. Rows without their image are passed over. */
export async function checkImages(
  layout: Layout,
  rows: readonly ScannedRow[],
  options: ImageCheckOptions = {},
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const pictures = new Pictures();
  for (const modality of MODALITIES) {
    const seen: Seen[] = [];
    const work = (row: ScannedRow) => readImage(layout, modality, row, pictures);
    for await (const result of mapOrdered(
      firstUses(rows, modality),
      options.threads ?? CHECK_THREADS,
      work,
    )) {
      if ("code" in result) findings.push(result);
      else seen.push(result);
      options.onImage?.();
      if (options.signal?.aborted === true)
        throw new Interrupted("Stopped; nothing was changed, the same command begins again");
    }
    findings.push(...sizeFindings(seen, options.sizePx), ...alikeFindings(seen, modality));
  }
  return findings;
}

/** The first row of every image. */
function firstUses(rows: readonly ScannedRow[], modality: Modality): ScannedRow[] {
  const first = new Map<string, ScannedRow>();
  for (const row of rows) {
    const name = row.cells[`${modality}_image_name`];
    if (!first.has(name)) first.set(name, row);
  }
  return [...first.values()];
}

async function readImage(
  layout: Layout,
  modality: Modality,
  row: ScannedRow,
  pictures: Pictures,
): Promise<Seen | Finding> {
  const path = imagePath(layout, modality, row.cells[`${modality}_image_name`]);
  const file = pathIn(layout, path);
  try {
    const bytes = await readBytes(path, "an image");
    const image = await decodeImage(bytes, { name: file });
    const size = `${image.width} x ${image.height}`;
    return { row, file, size, sha256: sha256(bytes), look: withPicture(pictures.photo(image), lookOf) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const e = { expected: "a complete image", name: `column ${modality}_image_name`, got: error.message };
    return finding("IMAGE_UNREADABLE", row.place, e);
  }
}

function sizeFindings(seen: readonly Seen[], sizePx: number | undefined): Finding[] {
  const counts = new Map<string, number>();
  for (const { size } of seen) counts.set(size, (counts.get(size) ?? 0) + 1);
  const usual = [...counts].sort(([, m], [, n]) => n - m)[0]?.[0] ?? "";
  const expected = sizePx === undefined ? usual : `${sizePx} x ${sizePx}`;
  return seen
    .filter(({ size }) => size !== expected)
    .map(({ file, row, size }) => {
      const e = { expected: `${expected} px`, name: `the size of ${file}`, got: `${size} px` };
      return finding("IMAGE_SIZE", row.place, e);
    });
}

function alikeFindings(seen: readonly Seen[], modality: Modality): Finding[] {
  const out: Finding[] = [];
  const first = new Map<string, Seen>();
  const once: Seen[] = [];
  for (const one of seen) {
    const before = first.get(one.sha256);
    if (before !== undefined) out.push(alike(before, one, modality, undefined));
    else {
      first.set(one.sha256, one);
      once.push(one);
    }
  }
  const hashes = once.map((one) => one.look.hash);
  for (const { first: a, second: b, bits } of nearPairs(HashList.of(hashes), NEAR_BITS)) {
    const correlation = thumbCorrelation(once[a]!.look.thumb, once[b]!.look.thumb);
    if (correlation < NEAR_CORRELATION) continue;
    out.push(alike(once[a]!, once[b]!, modality, bits));
  }
  return out;
}

function alike(before: Seen, one: Seen, modality: Modality, bits: number | undefined): Finding {
  const across = before.row.split === one.row.split ? "" : "_ACROSS";
  const twoIds = modality === "face" && before.row.cells.user_id !== one.row.cells.user_id;
  const kind = twoIds ? "SUBJECT_TWO_IDS" : bits === undefined ? "IMAGE_DUPLICATE" : "NEAR_DUPLICATE";
  const code: FindingCode = `${kind}${across}`;
  const unlike = `${modality} unlike that of ${placeText(before.row.place)}`;
  const expected = twoIds ? `the same user_id, or a ${unlike}` : `a ${unlike}`;
  const got = bits === undefined ? "the same bytes" : `nearly the same, ${bits} of 255 bits differ`;
  return finding(code, one.row.place, { expected, name: `column ${modality}_image_name`, got });
}

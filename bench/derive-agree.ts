// `npm run bench -- derive-agree`: do both sides of the derive benchmark make the same dataset? Works on the frames once on
// each side, and compares the decoded crops and every number of the journals. A ratio counts only if they agree.
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "../src/core/errors.ts";
import { readText } from "../src/machine/files.ts";
import { decodeImage } from "../src/pixels/image.ts";
import { hashDistance, hashFromHex } from "../src/pixels/phash.ts";
import { openDeriveWork } from "./derive-work.ts";
import type { Work } from "./side.ts";
import { spread } from "./statistics.ts";

interface Row {
  readonly imageId: string;
  readonly sha256: string;
  readonly look: string;
  readonly hand: string;
  readonly faces: number;
  readonly faceScore: number | null;
  readonly measures: Readonly<Record<string, number>>;
}

/**
 * Differences of a measure that count as none, relative where it is above 1: a level of rounding in the detector's picture
 * moves its points by a fraction of a pixel.
 */
const [MEDIAN_APART, MOST_APART] = [0.01, 0.1];

/**
 * Prints how far the two sides are apart.
 *
 * @param python - of the peer
 * @throws AppError("data", "BENCH_AGREE") if they do not make the same frames, faces or measures
 */
export async function agree(work: Work, python: string): Promise<void> {
  const ours = await openDeriveWork(work);
  const theirs = await mkdtemp(join(tmpdir(), "facehand-bench-peer-"));
  try {
    const { stage } = await ours.derive();
    const script = fileURLToPath(new URL("./peer/derive.py", import.meta.url));
    const ran = spawnSync(python, [script, JSON.stringify(work), "keep", theirs], { encoding: "utf8" });
    if (ran.status !== 0) throw new AppError("internal", "BENCH_SIDE", ran.stderr);
    await compareCrops([stage.layout.images.face, stage.layout.images.hand], theirs);
    await compareRows(stage.journal, join(theirs, "journal.jsonl"));
  } finally {
    await ours.close();
    await rm(theirs, { recursive: true });
  }
}

async function compareCrops(folders: readonly string[], theirs: string): Promise<void> {
  let [values, other, far, largest, files] = [0, 0, 0, 0, 0];
  for (const folder of folders) {
    for (const name of await readdir(folder)) {
      const [a, b] = await Promise.all([decodeImage(join(folder, name)), decodeImage(join(theirs, name))]);
      files++;
      values += a.data.length;
      for (const [i, value] of a.data.entries()) {
        const apart = Math.abs(value - b.data[i]!);
        largest = Math.max(largest, apart);
        if (apart > 0) other++;
        if (apart > 8) far++;
      }
    }
  }
  const percent = (count: number) => `${((100 * count) / values).toFixed(3)} %`;
  console.log(
    `crops: ${files} on both sides; ${percent(other)} of their values differ, ${percent(far)} by more than 8, by ${largest} at most`,
  );
  if (files !== (await readdir(theirs)).length - 1 || far > values / 100) throw disagree("crops");
}

async function compareRows(ours: string, theirs: string): Promise<void> {
  const rows = async (path: string) =>
    (await readText(path, "a journal"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line.split("\t")[0]!) as Row);
  const [mine, others] = await Promise.all([rows(ours), rows(theirs)]);
  const byId = new Map(others.map((row) => [row.imageId, row]));
  const apart = new Map<string, number[]>();
  let bits = 0;
  for (const row of mine) {
    const other = byId.get(row.imageId);
    const known = Object.keys(row.measures);
    if (other?.sha256 !== row.sha256 || other.faces !== row.faces || other.hand !== row.hand)
      throw disagree("frames, faces or sources of the hand's landmarks");
    if (known.sort().join() !== Object.keys(other.measures).sort().join())
      throw disagree("measures that are there");
    bits = Math.max(bits, hashDistance(hashFromHex(row.look), hashFromHex(other.look)));
    for (const name of known) {
      const [a, b] = [row.measures[name]!, other.measures[name]!];
      apart.set(name, [...(apart.get(name) ?? []), Math.abs(a - b) / Math.max(1, Math.abs(a))]);
    }
  }
  console.log(`perceptual hashes differ in ${bits} bits at most`);
  for (const [name, all] of apart) {
    const { median, max } = spread(all);
    console.log(`${name.padEnd(16)} ${median.toFixed(3)} in the median, ${max.toFixed(3)} at most`);
    if (median > MEDIAN_APART || max > MOST_APART) throw disagree("measures");
  }
  if (bits > 8) throw disagree("perceptual hashes");
}

function disagree(what: string): AppError {
  return new AppError("data", "BENCH_AGREE", `Expected the same ${what} on both sides, got others`);
}

// What the derive benchmarks work on: real frames as they are, or enlarged to another short side, as a HaGRID folder.
// The frames are not part of the project: without ../shared/data/hagrid464 there is nothing to measure.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "../src/core/errors.ts";
import { readAnnotations } from "../src/derive/hagrid/annotations.ts";
import type { Frame } from "../src/derive/hagrid/frame.ts";
import { chooseHand } from "../src/derive/hagrid/pairing.ts";
import type { HandCutter } from "../src/find/hand-source.ts";
import { openHandCutter } from "../src/find/open.ts";
import { boxToPx } from "../src/pixels/geometry.ts";
import { decodeImage, encodeJpeg } from "../src/pixels/image.ts";
import { resizeBilinear } from "../src/pixels/pixels.ts";
import type { Work } from "./side.ts";

const SOURCE = fileURLToPath(new URL("../../shared/data/hagrid464", import.meta.url));
/** Short side of the frames as they are. */
const OWN_PX = 512;

/** Folder of one benchmark's frames; peer/derive.py finds them by the same name. */
export const framesFolder = ({ sizePx, batch }: Work) =>
  join(tmpdir(), `facehand-bench-frames-${sizePx}-${batch}`);

/**
 * A HaGRID folder of `work.batch` frames whose short side is `work.sizePx`; made once.
 *
 * @throws AppError("data", "BENCH_FRAMES") if the frames are not there
 */
export async function hagridOf(work: Work): Promise<string> {
  const folder = framesFolder(work);
  if (existsSync(folder)) return folder;
  if (!existsSync(SOURCE)) {
    throw new AppError("data", "BENCH_FRAMES", `Expected HaGRID frames in ${SOURCE}, got no such folder`);
  }
  const staging = `${folder}.${process.pid}`;
  const records: Record<string, unknown> = {};
  const hands = await openHandCutter("landmarks", 1);
  let made = 0;
  for await (const frame of readAnnotations(SOURCE, { gestures: "all" })) {
    if (made >= work.batch) break;
    if (!existsSync(frame.path)) continue;
    const landmarks = await landmarksOf(frame, hands);
    if (landmarks === undefined) continue;
    await mkdir(join(staging, "palm"), { recursive: true });
    await writeFile(join(staging, "palm", `${frame.imageId}.jpg`), await enlarged(frame.path, work.sizePx));
    const boxes = frame.boxes.map(({ x, y, width, height }) => [x, y, width, height]);
    const labels = frame.labels.map((label) => (label === "no_gesture" ? label : "palm"));
    records[frame.imageId] = { bboxes: boxes, labels, user_id: frame.userId, hand_landmarks: landmarks };
    made++;
  }
  await hands.close();
  await mkdir(join(staging, "annotations", "train"), { recursive: true });
  await writeFile(join(staging, "annotations", "train", "palm.json"), JSON.stringify(records));
  await rename(staging, folder);
  return folder;
}

/** Landmarks of the hand that is cut, fractions of the frame, as HaGRIDv2 has them of 87 % of its hands; none, no frame. */
async function landmarksOf(
  frame: Frame,
  hands: HandCutter,
): Promise<((readonly [number, number])[] | null)[] | undefined> {
  const chosen = chooseHand(frame);
  if (chosen === undefined) return undefined;
  const image = await decodeImage(frame.path);
  const box = boxToPx(frame.boxes[chosen]!, image.width, image.height);
  const { points } = await hands.place(image, box);
  // Where they are not seen again, deriving would search for the hand, which the peer does not.
  if (points === undefined || (await hands.place(image, box, points)).from !== "annotation") return undefined;
  const list = points.map(({ x, y }) => [x / image.width, y / image.height] as const);
  return frame.boxes.map((_, i) => (i === chosen ? list : null));
}

async function enlarged(path: string, sizePx: number): Promise<Uint8Array> {
  if (sizePx === OWN_PX) return readFile(path);
  const image = await decodeImage(path);
  const factor = sizePx / Math.min(image.width, image.height);
  const [width, height] = [image.width, image.height].map((side) => Math.round(side * factor));
  return encodeJpeg(resizeBilinear(image, width!, height!), { quality: 90, chroma: "4:2:0" });
}

/** Paths of the frames, sorted. */
export async function framePaths(folder: string): Promise<string[]> {
  return (await readdir(join(folder, "palm"))).sort().map((name) => join(folder, "palm", name));
}

/** Ties this process and all its threads to as many cores as it may use, so that times are times of cores. */
export function pin(threads: number): void {
  if (process.platform !== "linux") return;
  const last = availableParallelism() - 1;
  const cores = `${Math.max(0, last - threads + 1)}-${last}`;
  spawnSync("taskset", ["--all-tasks", "--pid", "--cpu-list", cores, String(process.pid)]);
}

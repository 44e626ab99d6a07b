// `npm run bench -- derive-steps`: processor time of each step of deriving a frame, on one core, in the order of derive/run/work.ts.
// Steps are called one by one here, so that their sum leaves out what happens between them (journal, syncs, annotations).
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAnnotations } from "../src/derive/hagrid/annotations.ts";
import type { Frame } from "../src/derive/hagrid/frame.ts";
import { chooseHand, chooseOwner } from "../src/derive/hagrid/pairing.ts";
import { hiddenShare, insideShare } from "../src/derive/judge/cover.ts";
import { skinAngle } from "../src/derive/judge/skin.ts";
import { detectedFaces, type FaceSource } from "../src/derive/run/faces.ts";
import { chipSquare } from "../src/find/align.ts";
import { turnedCrop } from "../src/find/crops.ts";
import type { HandCutter } from "../src/find/hand-source.ts";
import type { TurnedSquare } from "../src/find/hand-square.ts";
import { openHandCutter } from "../src/find/open.ts";
import { readBytes, sha256, writeUnsynced } from "../src/machine/files.ts";
import { jpegOf } from "../src/pixels/fast/encode.ts";
import { openPhoto } from "../src/pixels/fast/open-photo.ts";
import type { Picture } from "../src/pixels/fast/picture.ts";
import { type Photo, Pictures, withPicture } from "../src/pixels/fast/pictures.ts";
import { Scratch } from "../src/pixels/fast/scratch.ts";
import { boxToPx } from "../src/pixels/geometry.ts";
import { fitted } from "../src/pixels/letterbox.ts";
import { hashOf } from "../src/pixels/phash.ts";
import { clippedShare, highlight, sharpness } from "../src/pixels/quality.ts";
import { hagridOf, pin } from "./derive-frames.ts";
import type { Work } from "./side.ts";
import { spread } from "./statistics.ts";
import { aligned } from "./table.ts";

const ROUNDS = 9;
const JPEG = { quality: 95 } as const;
const CROP = 300;

/** Prints the table. */
export async function deriveSteps(work: Work): Promise<void> {
  pin(1);
  const frames: Frame[] = [];
  for await (const frame of readAnnotations(await hagridOf(work), { gestures: "all" })) frames.push(frame);
  const root = await mkdtemp(join(tmpdir(), "facehand-bench-steps-"));
  const step = await openSteps(root);
  const rounds: Map<string, number>[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const spent = new Map<string, number>();
    for (const [k, frame] of frames.entries()) await step(frame, `${round}-${k}`, lapsInto(spent));
    if (round > 0) rounds.push(spent); // the first warms up
  }
  await rm(root, { recursive: true });
  const all = [...rounds[0]!.keys()].map((name) => {
    const { median } = spread(rounds.map((spent) => spent.get(name)! / frames.length));
    return [name, median] as const;
  });
  const total = all.filter(([name]) => !name.includes("landmark model")).reduce((sum, [, ms]) => sum + ms, 0);
  const rows = all.map(([name, ms]) => [name, ms.toFixed(2), `${((100 * ms) / total).toFixed(0)} %`]);
  console.log(
    aligned([["step", "ms a frame", "share"], ...rows, ["all but the model", total.toFixed(2), ""]]),
  );
}

/** Adds the processor time since the last call to a step. */
function lapsInto(spent: Map<string, number>): (name: string) => void {
  let last = process.cpuUsage();
  return (name) => {
    const { user, system } = process.cpuUsage(last);
    spent.set(name, (spent.get(name) ?? 0) + (user + system) / 1000);
    last = process.cpuUsage();
  };
}

async function openSteps(root: string) {
  const faces = await detectedFaces(undefined, 1);
  const hands = await openHandCutter("landmarks", 1);
  const pictures = new Pictures();
  const scratch = new Scratch();
  return async (frame: Frame, name: string, lap: (name: string) => void) => {
    const bytes = await readBytes(frame.path, "a frame");
    lap("read");
    const photo = await openPhoto(pictures, bytes);
    await stepsOf(photo, { bytes, frame, name, lap, root, faces, hands, scratch });
  };
}

interface Stepping {
  readonly bytes: Uint8Array;
  readonly frame: Frame;
  readonly name: string;
  readonly lap: (name: string) => void;
  readonly root: string;
  readonly faces: FaceSource;
  readonly hands: HandCutter;
  readonly scratch: Scratch;
}

async function stepsOf(image: Photo, stepping: Stepping) {
  const { bytes, frame, name, lap, root, faces, hands, scratch } = stepping;
  lap("decode");
  withPicture(image, (picture) => void fitted(picture, 192, 192));
  lap("shrink for detector and hash");
  const found = await faces.find(image, frame.imageId);
  lap("detect the face");
  sha256(bytes);
  lap("SHA-256");
  const { width, height } = image;
  const chosen = chooseHand(frame)!;
  const box = boxToPx(frame.boxes[chosen]!, width, height);
  const points = frame.handLandmarks![chosen]!.map(({ x, y }) => ({ x: x * width, y: y * height }));
  const placed = await hands.place(image, box, points);
  lap("check the annotated landmarks");
  const owner = chooseOwner(found, box, { minScore: 0.6, minPx: 28 });
  const chip = owner && chipSquare(owner.face.landmarks, CROP, 0.25);
  const files = withPicture(image, (picture) => cutAndMeasure(picture, scratch, placed.square, chip, lap));
  for (const [k, file] of files.entries()) writeUnsynced(join(root, `${name}-${k}.jpg`), file);
  lap("write both");
  insideShare(placed.square, width, height);
  if (chip) insideShare(chip, width, height);
  if (owner) hiddenShare(owner.face.box, points);
  lap("inside, hidden");
  await hands.place(image, box, undefined);
  lap("landmark model, where the annotation has none");
}

/** What derive/run/work.ts does with a frame's pixels in one block. */
function cutAndMeasure(
  picture: Picture,
  scratch: Scratch,
  square: TurnedSquare,
  chip: TurnedSquare | undefined,
  lap: (name: string) => void,
): Uint8Array[] {
  const hand = turnedCrop(picture, square, CROP);
  const face = chip && turnedCrop(picture, chip, CROP);
  const crops = [hand, ...(face ? [face] : [])];
  lap("cut both");
  const files = crops.map((crop) => jpegOf(crop, JPEG.quality)!);
  lap("encode both");
  for (const crop of crops) sharpness(crop);
  lap("sharpness of both");
  const pixels = (of: Picture, use: string) => of.copy(scratch.bytes(use, of.width * of.height * 3));
  const facePixels = face && pixels(face, "face");
  highlight(pixels(fitted(picture, 192, 192), "small"), scratch);
  if (facePixels) clippedShare(facePixels);
  lap("exposure");
  if (facePixels) skinAngle(facePixels, scratch);
  lap("skin tone");
  hashOf(fitted(picture, 192, 192), scratch);
  lap("perceptual hash");
  return files;
}

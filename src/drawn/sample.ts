// The built-in raw sample: a HaGRID-like tree of drawn people, for the demo and for tests.
// It shows no real person and proves nothing about accuracy on real pictures; its README.txt, its manifest and
// every frame state that. Invariants: same options, same bytes; the folder appears complete or not at all.
import { readdir, rm } from "node:fs/promises";
import { z } from "zod";
import { AppError, unexpected } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import { SPLITS, type Split } from "../core/words.ts";
import { rawAnnotations, rawExtra, rawFrame, rawGesture } from "../dataset/layout.ts";
import { dealSubjects } from "../dataset/sources/split.ts";
import { exists, readJson, sha256, writeAtomic, writeJson } from "../machine/files.ts";
import { type Count, makeFolder } from "../machine/folder.ts";
import { withLock } from "../machine/lock.ts";
import { mapOrdered } from "../machine/pool.ts";
import { truePath } from "../machine/true-path.ts";
import { encodeJpeg, renderSvg } from "../pixels/image.ts";
import type { RgbImage } from "../pixels/pixels.ts";
import { drawPerson, type Person } from "./people.ts";
import {
  BAD_KINDS,
  type BadKind,
  type DrawnFace,
  type DrawnFrame,
  type DrawnHand,
  drawFrame,
  GESTURES,
  type Gesture,
} from "./scene.ts";

/** Counts up when the drawing changes: the same options then give other bytes. */
const SAMPLE_VERSION = 2;

/** What to draw. */
export interface SampleOptions {
  /** Default 60; 2 to 10,000. Sexes alternate. */
  readonly subjects?: number | undefined;
  /** Default 4; 1 to 100. */
  readonly framesPerSubject?: number | undefined;
  /** Default 42. */
  readonly seed?: number | undefined;
  /** Width of the frames, px; the height is 4/3 of it. Default 384; 96 to 2048, a multiple of 3. */
  readonly sizePx?: number | undefined;
  /** Called after each frame. */
  readonly onFrame?: (() => void) | undefined;
}

const manifestSchema = z.strictObject({
  drawn: z.literal(true),
  note: z.string(),
  version: z.number(),
  subjects: z.number(),
  framesPerSubject: z.number(),
  seed: z.number(),
  sizePx: z.number(),
  frames: z.number(),
  /** Deliberately bad frames: image id to kind. */
  bad: z.record(z.string(), z.enum(BAD_KINDS)),
});

/** What `sample.json` holds. */
export type SampleManifest = z.output<typeof manifestSchema>;

/** One entry of `face_landmarks.json`: an image's faces, largest first, relative coordinates. */
export type FaceLandmarks = Readonly<Record<string, readonly DrawnFace[]>>;

export const SAMPLE_NOTE =
  "Every picture of this sample is drawn by a program. It shows no real person, its traits are invented, and " +
  "figures computed on it prove nothing about accuracy on real pictures.";

const README = `DRAWN SAMPLE

${SAMPLE_NOTE}

Layout as HaGRID: <gesture>/<id>.jpg and annotations/{train,val,test}/<gesture>.json (boxes, labels, user_id,
hand_landmarks, meta; all relative to the frame). Not HaGRID's: face_landmarks.json gives for each image its
faces with a box and five points (subject's left eye outer and inner corner, right eye outer and inner corner,
nose base), since a face detector need not find drawn faces; sample.json lists the deliberately bad frames.
`;

/**
 * Draws the built-in sample into a new folder.
 *
 * @param outDir - must not exist, or hold the sample of the same options, which is then left as it is
 * @returns what `sample.json` in it holds
 * @throws AppError("input", "SAMPLE_OPTION") for numbers out of range, AppError("input", "OUT_EXISTS") if the
 *   folder holds anything else, AppError("input", "LOCKED")
 * @example await drawSample("drawn/sample", { subjects: 60, framesPerSubject: 4, seed: 42 })
 */
export async function drawSample(outDir: string, options: SampleOptions = {}): Promise<SampleManifest> {
  const { subjects = 60, framesPerSubject = 4, seed = 42, sizePx = 384, onFrame } = options;
  checkOption("subjects", subjects, 2, 10_000);
  checkOption("framesPerSubject", framesPerSubject, 1, 100);
  checkOption("seed", seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  checkOption("sizePx", sizePx, 96, 2048, 3);
  const numbers = { version: SAMPLE_VERSION, subjects, framesPerSubject, seed, sizePx };
  return await withLock(outDir, `the sample in ${outDir}`, async () => {
    const before = await readBefore(outDir, numbers);
    if (before !== undefined) return before;
    await rm(`${truePath(outDir)}.part`, { recursive: true, force: true }); // versions of before left it
    return await makeFolder(outDir, (staging) => draw(staging, numbers, onFrame), { count: countFrames });
  });
}

type Numbers = Pick<SampleManifest, "version" | "subjects" | "framesPerSubject" | "seed" | "sizePx">;

async function draw(root: string, numbers: Numbers, onFrame?: () => void): Promise<SampleManifest> {
  const { subjects, framesPerSubject, seed, sizePx } = numbers;
  const plans = planFrames(subjects, framesPerSubject, seed);
  const drawn: Drawn[] = [];
  // Two at a time: one frame is drawn in script while the other is rendered and encoded outside it.
  for await (const frame of mapOrdered(plans, 2, (plan) => makeFrame(root, plan, seed, sizePx))) {
    drawn.push(frame);
    onFrame?.();
  }
  const bad = Object.fromEntries(plans.flatMap(({ id, bad }) => (bad === undefined ? [] : [[id, bad]])));
  const manifest = { drawn: true, note: SAMPLE_NOTE, ...numbers, frames: plans.length, bad } as const;
  await writeTruth(root, drawn, manifest);
  return manifest;
}

async function countFrames(root: string, { frames }: SampleManifest): Promise<Count[]> {
  let found = 0;
  for (const gesture of GESTURES) {
    const folder = rawGesture(root, gesture);
    if (await exists(folder)) found += (await readdir(folder)).length;
  }
  return [{ what: "frames", made: frames, found }];
}

function checkOption(name: string, value: number, low: number, high: number, multiple = 1): void {
  if (Number.isSafeInteger(value) && value >= low && value <= high && value % multiple === 0) return;
  const expected = `an integer from ${low} to ${high}${multiple === 1 ? "" : ` that is a multiple of ${multiple}`}`;
  throw unexpected("input", { code: "SAMPLE_OPTION", expected, name, got: value });
}

async function readBefore(
  out: string,
  numbers: Readonly<Record<string, number>>,
): Promise<SampleManifest | undefined> {
  if (!(await exists(out))) return undefined;
  const path = rawExtra(out, "sample.json");
  const manifest = (await exists(path))
    ? await readJson(path, manifestSchema, "a sample's manifest")
    : undefined;
  const same = Object.entries(numbers).every(([key, value]) => manifest?.[key as "seed"] === value);
  if (manifest !== undefined && same) return manifest;
  const what = manifest === undefined ? "something else" : "a sample of other options";
  throw new AppError("input", "OUT_EXISTS", `Expected a new folder for the sample at ${out}, got ${what}`, {
    hint: "give another folder, or remove this one",
  });
}

interface Plan {
  readonly id: string;
  readonly person: Person;
  readonly second: Person;
  readonly split: Split;
  readonly gesture: Gesture;
  readonly bad: BadKind | undefined;
  /** Of a duplicate: the frame of the same person that it repeats. */
  readonly twin?: Plan | undefined;
}

function planFrames(subjects: number, framesPerSubject: number, seed: number): Plan[] {
  const people = Array.from({ length: subjects }, (_, i) => drawPerson(seed, i));
  const strata = people.map(({ userId, sex }) => ({ id: userId, stratum: sex }));
  const splits = dealSubjects(strata, { seed, fractions: { val: 0.15, test: 0.15 } });
  const bad = planBad(subjects * framesPerSubject, seed);
  return people.flatMap((person, i) => {
    const own = Array.from({ length: framesPerSubject }, (_, k): Plan => {
      const index = i * framesPerSubject + k;
      return {
        id: uuid(`frame ${index} of seed ${seed}`),
        person,
        second: people[(i + 1) % subjects]!,
        split: splits.get(person.userId)!,
        gesture: GESTURES[(i + k) % GESTURES.length]!,
        bad: bad.get(index),
      };
    });
    return own.map((plan) => withTwin(plan, own));
  });
}

/** A duplicate needs a good frame of the same person to repeat; without one it is a good frame itself. */
function withTwin(plan: Plan, own: readonly Plan[]): Plan {
  if (plan.bad !== "duplicate" && plan.bad !== "near-duplicate") return plan;
  const twin = own.find((other) => other.bad === undefined);
  return twin === undefined ? { ...plan, bad: undefined } : { ...plan, twin };
}

/** One of each bad kind in every 120 frames; at most one frame in eight, so that a small sample is usable. */
function planBad(frames: number, seed: number): Map<number, BadKind> {
  const count = Math.min(BAD_KINDS.length * Math.max(1, Math.floor(frames / 120)), Math.floor(frames / 8));
  const order = Random.of(seed)
    .split("bad")
    .shuffle(Array.from({ length: frames }, (_, i) => i));
  return new Map(order.slice(0, count).map((index, i) => [index, BAD_KINDS[i % BAD_KINDS.length]!]));
}

function uuid(name: string): string {
  const h = sha256(name);
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-a${h.slice(17, 20)}-${h.slice(20, 32)}`;
}

interface Drawn {
  readonly plan: Plan;
  readonly frame: DrawnFrame;
}

async function makeFrame(root: string, plan: Plan, seed: number, sizePx: number): Promise<Drawn> {
  const { id, gesture, bad, twin = plan } = plan;
  const random = Random.of(seed).split("frame", twin.id);
  const frame = drawFrame(twin.person, twin.second, twin.gesture, twin.bad, random.split("scene"));
  const picture = await renderSvg(frame.svg, { widthPx: sizePx });
  const quality = bad === "near-duplicate" ? 60 : 88;
  const jpeg = await encodeJpeg(expose(picture, bad, random.split("camera")), { quality });
  const bytes = bad === "truncated" ? jpeg.subarray(0, Math.floor(jpeg.length * 0.55)) : jpeg;
  await writeAtomic(rawFrame(root, gesture, id), bytes);
  return { plan, frame: { ...frame, hands: frame.hands.map((hand) => relabel(hand, gesture)) } };
}

/** A repeated picture lies in the folder of another gesture, and its hand is labelled so. */
function relabel(hand: DrawnHand, gesture: Gesture): DrawnHand {
  return hand.label === "no_gesture" ? hand : { ...hand, label: gesture };
}

const GRAINS = 4096;
const GAINS: Readonly<Record<string, number>> = { "over-exposed": 7, "under-exposed": 0.28 };

/** What a camera adds: exposure and grain. The grain is drawn once and laid over the rows at random offsets. */
function expose(image: RgbImage, bad: BadKind | undefined, random: Random): RgbImage {
  const gain = random.uniform(0.95, 1.25) * (GAINS[bad ?? ""] ?? 1);
  // A lens out of focus leaves the grain sharp; less of it, so that the picture counts as blurred.
  const sigma = random.uniform(1.5, 6) * (bad === "blurred" || bad === "under-exposed" ? 0.2 : 1);
  const grain = Float32Array.from({ length: GRAINS }, () => sigma * random.normal());
  const data = new Uint8ClampedArray(image.data.length); // [height, width, 3]
  const stride = image.width * 3;
  for (let y = 0; y < image.height; y++) {
    const offset = random.int(GRAINS);
    for (let i = y * stride, end = i + stride; i < end; i++) {
      data[i] = image.data[i]! * gain + grain[(offset + i) % GRAINS]!;
    }
  }
  return { width: image.width, height: image.height, data };
}

async function writeTruth(root: string, drawn: readonly Drawn[], manifest: SampleManifest): Promise<void> {
  for (const split of SPLITS) {
    for (const gesture of GESTURES) {
      const here = drawn.filter(({ plan }) => plan.split === split && plan.gesture === gesture);
      const records = Object.fromEntries(
        here.map((entry) => [entry.plan.id, annotation(entry, manifest.seed)]),
      );
      await writeAtomic(rawAnnotations(root, split, gesture), `${JSON.stringify(records, null, 1)}\n`);
    }
  }
  const faces: FaceLandmarks = Object.fromEntries(drawn.map(({ plan, frame }) => [plan.id, frame.faces]));
  await writeAtomic(rawExtra(root, "face_landmarks.json"), `${JSON.stringify(faces)}\n`);
  await writeAtomic(rawExtra(root, "README.txt"), README);
  await writeJson(rawExtra(root, "sample.json"), manifest);
}

/** HaGRIDv2's record; about one hand in eight has no landmarks, as there. */
function annotation({ plan, frame }: Drawn, seed: number): Record<string, unknown> {
  const random = Random.of(seed).split("annotation", plan.id);
  // MiVOLO, which made HaGRIDv2's meta, also judges bodies: a frame without a face can have an entry.
  const seen = plan.bad === "two-people" ? [plan.person, plan.second] : [plan.person];
  const meta = {
    age: seen.map(({ ageYears }) => Math.round((ageYears + 2.5 * random.normal()) * 100) / 100),
    gender: seen.map(({ sex }) => sex),
    race: seen.map(({ skinClass }) => skinClass),
  };
  return {
    bboxes: frame.hands.map(({ box }) => box),
    labels: frame.hands.map(({ label }) => label),
    united_bbox: null,
    united_label: null,
    user_id: plan.person.userId,
    hand_landmarks: frame.hands.map(({ points }) =>
      random.next() < 0.13 && plan.bad !== "wrong-landmarks" ? [] : points,
    ),
    ...(plan.bad === "no-meta" ? {} : { meta }),
  };
}

// Which pixels annotations refer to, on drawn people whose hands and faces the models see: frames stored in all eight ways of
// EXIF, annotated in stored or in turned pixels, with landmarks and without.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { laySample } from "../../../test/sample.ts";
import { planLayout } from "../../dataset/layout.ts";
import { LEDGER_COLUMNS } from "../../dataset/ledger-columns.ts";
import { readManifest } from "../../dataset/manifest.ts";
import { openHandCutter } from "../../find/open.ts";
import { readCsv } from "../../formats/csv.ts";
import { decodeImage, type ExifTurn } from "../../pixels/image.ts";
import type { RgbImage } from "../../pixels/pixels.ts";
import { turnBox, turnPoint } from "../../pixels/turns.ts";
import type { DeriveOptions } from "../run/options.ts";
import { derive } from "../run/pipeline.ts";
import { readAnnotations } from "./annotations.ts";
import type { Frame } from "./frame.ts";
import { chooseHand } from "./pairing.ts";
import { better, findReference } from "./reference.ts";

/** The turn that undoes one. */
const BACK: { readonly [T in ExifTurn]: ExifTurn } = { 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6 };
type Drawn = Frame & { readonly faces: readonly { box: number[]; points: [number, number][] }[] };

let root = "";
const at = (name: string) => join(root, name);
const frames: Drawn[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-reference-"));
  await laySample(at("drawn"), { subjects: 14, framesPerSubject: 2, seed: 5 });
  const { bad } = JSON.parse(await readFile(at("drawn/sample.json"), "utf8"));
  const faces = JSON.parse(await readFile(at("drawn/face_landmarks.json"), "utf8"));
  for await (const frame of readAnnotations(at("drawn"), { gestures: "all" }))
    if (bad[frame.imageId] === undefined && frames.length < 16)
      frames.push({ ...frame, faces: faces[frame.imageId] });
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

/** Files of frames by path and turn: several trees hold the same. */
const files = new Map<string, Buffer>();

/** The file of a frame as a camera stores it that leaves the turning to EXIF. */
async function storedFile({ path }: Drawn, turn: ExifTurn): Promise<Buffer> {
  const key = `${path} ${turn}`;
  const made = files.get(key) ?? (await storedJpeg(await decodeImage(path), turn));
  files.set(key, made);
  return made;
}

async function storedJpeg(upright: RgbImage, turn: ExifTurn): Promise<Buffer> {
  const lies = turn >= 5;
  const [width, height] = lies ? [upright.height, upright.width] : [upright.width, upright.height];
  const data = new Uint8Array(width * height * 3);
  // A turn is linear: where the first pixel comes from, and how far a step to the right and one down go there.
  const placeOf = (x: number, y: number) => {
    const seen = turnPoint(turn, { x: (x + 0.5) / width, y: (y + 0.5) / height });
    return Math.floor(seen.y * upright.height) * upright.width + Math.floor(seen.x * upright.width);
  };
  const first = placeOf(0, 0);
  const [right, down] = [placeOf(1, 0) - first, placeOf(0, 1) - first];
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, from = 3 * (first + y * down); x < width; x++, from += 3 * right) {
      for (let c = 0; c < 3; c++) data[to++] = upright.data[from + c]!;
    }
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .withMetadata({ orientation: turn })
    .jpeg({ quality: 97 })
    .toBuffer();
}

interface HandRecord {
  bboxes: number[][];
  hand_landmarks: number[][][];
}

interface Plan {
  readonly turn: ExifTurn;
  /** Annotated in stored pixels. */
  readonly stored: boolean;
  readonly landmarks: boolean;
}

/** A HaGRID tree of drawn frames, each stored and annotated by its plan. */
async function makeTree(
  name: string,
  plans: readonly Plan[],
  { facesStored = false, of: chosen = frames }: { facesStored?: boolean; of?: readonly Drawn[] } = {},
): Promise<void> {
  const records: Record<string, Record<string, unknown>> = {};
  const faces: Record<string, unknown> = {};
  for (const [i, frame] of chosen.entries()) {
    const { turn, stored, landmarks } = plans[i % plans.length]!;
    const of = (as: ExifTurn) => ({
      box: ([x = 0, y = 0, width = 0, height = 0]: readonly number[]) =>
        Object.values(turnBox(as, { x, y, width, height })),
      point: ([x = 0, y = 0]: readonly number[]) => Object.values(turnPoint(as, { x, y })),
    });
    const to = of(stored ? BACK[turn] : 1);
    records[frame.gesture] ??= {};
    records[frame.gesture]![frame.imageId] = {
      bboxes: frame.boxes.map(({ x, y, width, height }) => to.box([x, y, width, height])),
      labels: frame.labels,
      user_id: frame.userId,
      hand_landmarks: frame.handLandmarks!.map((list) =>
        landmarks ? (list?.map(({ x, y }) => to.point([x, y])) ?? []) : [],
      ),
      meta: { age: [30], gender: ["female"], race: [] },
    };
    const faceTo = of(facesStored ? BACK[turn] : 1);
    faces[frame.imageId] = frame.faces.map(({ box, points }) => ({
      box: faceTo.box(box),
      points: points.map((point) => faceTo.point(point)),
    }));
    await mkdir(at(`${name}/${frame.gesture}`), { recursive: true });
    await writeFile(at(`${name}/${frame.gesture}/${frame.imageId}.jpg`), await storedFile(frame, turn));
  }
  await mkdir(at(`${name}/annotations/train`), { recursive: true });
  for (const [gesture, of] of Object.entries(records))
    await writeFile(at(`${name}/annotations/train/${gesture}.json`), JSON.stringify(of));
  await writeFile(at(`${name}/face_landmarks.json`), JSON.stringify(faces));
}

async function deriveTree(name: string, more: Partial<DeriveOptions> = {}) {
  const outDir = at(`${name}-pairs`);
  const options = { hagridDir: at(name), gestures: "all" as const, outDir, seed: 1, sizePx: 96 };
  const rules = [{ name: "near_duplicate", threshold: null }];
  await derive({ ...options, rules, ...more });
  const rows = new Map<string, Record<(typeof LEDGER_COLUMNS)[number], string>>();
  for await (const { values } of readCsv(join(outDir, "ledger.csv"), LEDGER_COLUMNS))
    rows.set(values.image_id, values);
  return { rows, layout: planLayout(outDir), counts: (await readManifest(outDir))!.counts };
}

/** Mean difference of two crops, levels. */
async function apart(a: string, b: string): Promise<number> {
  const [x, y] = [await decodeImage(a), await decodeImage(b)];
  let sum = 0;
  for (let i = 0; i < x.data.length; i++) sum += Math.abs(x.data[i]! - y.data[i]!);
  return sum / x.data.length;
}

const WAYS = [2, 3, 4, 5, 6, 7, 8] as const;
const TURNED: readonly Plan[] = [
  ...WAYS.map((turn) => ({ turn, stored: true, landmarks: turn % 2 === 0 })),
  ...WAYS.map((turn) => ({ turn, stored: false, landmarks: turn % 2 === 1 })),
  ...WAYS.map((turn) => ({ turn, stored: true, landmarks: turn % 2 === 1 })),
];
const UPRIGHT: readonly Plan[] = [{ turn: 1, stored: false, landmarks: true }];

const uprightTrees = new Map<string, ReturnType<typeof deriveTree>>();

/** The upright frames, derived once for all who compare with the same options. */
async function deriveUpright(options: (name: string) => Partial<DeriveOptions>) {
  const name = `upright ${JSON.stringify(options("NAME"))}`.replaceAll("/", " ");
  if (!uprightTrees.has(name)) {
    await makeTree(name, UPRIGHT);
    uprightTrees.set(name, deriveTree(name, options(name)));
  }
  return await uprightTrees.get(name)!;
}

describe("frames that EXIF turns", () => {
  it.each([
    ["by landmarks", {}, undefined],
    ["by the box", { handCrop: "box" }, undefined],
    ["with annotated faces of turned pixels", {}, false],
    ["with annotated faces of stored pixels", {}, true],
  ] as const)("give the crops of upright ones, %s", { timeout: 120_000 }, async (what, more, facesStored) => {
    const options = (name: string) =>
      facesStored !== undefined ? { faceLandmarksFile: at(`${name}/face_landmarks.json`) } : more;
    const upright = await deriveUpright(options);
    const name = `turned ${what}`;
    await makeTree(name, TURNED, { facesStored: facesStored === true });
    const turned = await deriveTree(name, options(name));
    expect(frames.length).toBeGreaterThan(14);
    for (const [i, { imageId }] of frames.entries()) {
      const plan = TURNED[i % TURNED.length]!;
      const row = turned.rows.get(imageId)!;
      expect([imageId, row.status, row.reason]).toEqual([imageId, "kept", ""]);
      expect([plan, row.annotated_in]).toEqual([plan, plan.stored ? "stored" : "upright"]);
      expect(row.faces_in).toBe(facesStored === undefined ? "" : facesStored ? "stored" : "upright");
      const boxes = [row, upright.rows.get(imageId)!].map(({ hand_box }) => hand_box.split(" ").map(Number));
      boxes[0]!.forEach((v, k) => {
        expect(Math.abs(v - boxes[1]![k]!)).toBeLessThan(0.02); // px
      });
      for (const [modality, name] of [
        ["hand", `H_${imageId}.jpg`],
        ["face", `F_${imageId}.jpg`],
      ] as const) {
        const far = await apart(
          join(upright.layout.images[modality], name),
          join(turned.layout.images[modality], name),
        );
        expect(far).toBeLessThan(plan.landmarks || modality === "face" ? 6 : 25); // JPEG twice; landmarks of the model
      }
    }
    const stored = [...turned.rows.values()].filter(({ annotated_in }) => annotated_in === "stored").length;
    expect(turned.counts.annotatedIn).toEqual({ stored, upright: frames.length - stored });
    expect(upright.counts.annotatedIn).toEqual({});
  });

  it("are refused where neither reading shows the hand", { timeout: 60_000 }, async () => {
    await makeTree(
      "nowhere",
      [
        { turn: 6, stored: false, landmarks: true },
        { turn: 1, stored: false, landmarks: true },
      ],
      { of: frames.slice(0, 6) },
    );
    // As stored by another turn than EXIF's: right in neither reading.
    const path = at(`nowhere/annotations/train/${frames[0]!.gesture}.json`);
    const records = JSON.parse(await readFile(path, "utf8"));
    upsideDown(records[frames[0]!.imageId]);
    await writeFile(path, JSON.stringify(records));
    const { rows, counts } = await deriveTree("nowhere");
    expect(rows.get(frames[0]!.imageId)).toMatchObject({
      ...{ status: "removed", reason: "annotation_misplaced", annotated_in: "", hand_from: "" },
      detail: "no hand where it is in stored and in turned pixels, EXIF 6",
    });
    expect(counts.removed.annotation_misplaced).toBe(1);
  });

  it("are refused where annotated faces stand in neither", { timeout: 60_000 }, async () => {
    await makeTree(
      "sideways",
      [
        { turn: 6, stored: true, landmarks: true },
        { turn: 1, stored: false, landmarks: true },
      ],
      { of: frames.slice(0, 6) },
    );
    const path = at("sideways/face_landmarks.json");
    const faces = JSON.parse(await readFile(path, "utf8"));
    for (const face of faces[frames[0]!.imageId])
      face.points = face.points.map(([x, y]: number[]) => [1 - x!, 1 - y!]); // upside down, and lying
    await writeFile(path, JSON.stringify(faces));
    const { rows } = await deriveTree("sideways", { faceLandmarksFile: path });
    expect(rows.get(frames[0]!.imageId)).toMatchObject({
      ...{ status: "removed", reason: "annotation_misplaced", annotated_in: "stored", faces_in: "" },
      detail: "no upright face in stored or in turned pixels, EXIF 6",
    });
  });
});

/** Turns an annotation by a half, and nothing else. */
function upsideDown(record: HandRecord): void {
  record.bboxes = record.bboxes.map(([x = 0, y = 0, w = 0, h = 0]) => [1 - x - w, 1 - y - h, w, h]);
  record.hand_landmarks = record.hand_landmarks.map((list) => list.map(([u = 0, v = 0]) => [1 - u, 1 - v]));
}

describe("annotated landmarks of frames that are not turned", () => {
  it.each(["landmarks", "box"] as const)(
    "are checked against the picture (hand crop %s)",
    { timeout: 60_000 },
    async (handCrop) => {
      const name = `checked ${handCrop}`;
      const few = frames
        .filter(({ boxes, handLandmarks }) => boxes.length === 1 && handLandmarks?.[0] !== undefined)
        .slice(0, 6);
      await makeTree(name, UPRIGHT, { of: few });
      const edit = async (frame: Drawn, change: (record: HandRecord) => void) => {
        const path = at(`${name}/annotations/train/${frame.gesture}.json`);
        const records = JSON.parse(await readFile(path, "utf8"));
        change(records[frame.imageId]);
        await writeFile(path, JSON.stringify(records));
      };
      const [mirrored, elsewhere, right] = few as [Drawn, Drawn, Drawn];
      // Mirrored within its box: fills it as well as before, and is not what the picture shows.
      await edit(mirrored, ({ bboxes, hand_landmarks }) => {
        const [x = 0, , width = 0] = bboxes[0]!;
        hand_landmarks[0] = hand_landmarks[0]!.map(([u = 0, v = 0]) => [2 * x + width - u, v]);
      });
      // Box and landmarks agree with each other, and the picture shows nothing there: pixels of another turn, EXIF lost.
      await edit(elsewhere, upsideDown);
      const rules = ["near_duplicate", "landmarks_seen"].map((rule) => ({ name: rule, threshold: null }));
      const { rows } = await deriveTree(name, { handCrop, rules });
      const from = (source: string) => (handCrop === "box" ? "box" : source);
      expect(rows.get(mirrored.imageId)).toMatchObject({ status: "kept", hand_from: from("model") });
      expect(rows.get(elsewhere.imageId)).toMatchObject({
        ...{
          status: "removed",
          reason: "annotation_misplaced",
          detail: "no hand at the annotated landmarks or in their box",
        },
      });
      expect(rows.get(right.imageId)).toMatchObject({ status: "kept", hand_from: from("annotation") });
      expect(Number(rows.get(right.imageId)!.landmark_off)).toBeLessThan(0.05);
    },
  );
});

describe("findReference", () => {
  it("gives what it saw, from which the hand is placed as by a second detection", {
    timeout: 60_000,
  }, async () => {
    const [frame] = frames;
    const image = await decodeImage(frame!.path);
    for (const crop of ["landmarks", "box"] as const) {
      const hands = await openHandCutter(crop, 1);
      const { hand, seen, reference } = await findReference(image, frame!, chooseHand(frame!)!, 3, hands);
      expect([reference, seen?.from]).toEqual(["upright", "annotation"]);
      const again = await hands.place(image, hand!.box, hand!.points);
      expect(again.off).toBeLessThan(0.05);
      expect(await hands.place(image, hand!.box, hand!.points, seen)).toEqual(again);
      // Where it was seen before, the picture does not matter: it is not read again.
      const black = { ...image, data: new Uint8Array(image.data.length) };
      expect(await hands.place(black, hand!.box, hand!.points, seen)).toEqual(again);
      await hands.close();
    }
  });
});

describe("better", () => {
  const annotation = (off: number) => ({ from: "annotation" as const, fills: 0.7, off });
  const model = (fills: number) => ({ from: "model" as const, fills });
  const none = { from: "none" as const, fills: 0 };

  it("prefers landmarks that are seen to a hand, and a hand to none", () => {
    expect(better({ upright: model(0.9), stored: annotation(0.1) }, 0)).toBe("stored");
    expect(better({ upright: model(0.5), stored: none }, 0)).toBe("upright");
    expect(better({ upright: annotation(0.1), stored: annotation(0.02) }, 0)).toBe("stored");
    expect(better({ upright: none, stored: none }, 1)).toBeUndefined();
  });

  it("does not choose between two hands that are alike, unless it is one hand", () => {
    expect(better({ upright: model(0.7), stored: model(0.65) }, 0.2)).toBeUndefined();
    expect(better({ upright: model(0.7), stored: model(0.55) }, 0.2)).toBe("upright");
    expect(better({ upright: model(0.65), stored: model(0.7) }, 0.8)).toBe("stored");
  });
});

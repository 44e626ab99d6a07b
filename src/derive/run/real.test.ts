// Rules that HaGRID's test frames at hand do not exercise by themselves, on those frames: annotated landmarks are made by
// the landmark model, frames with two people by putting two beside each other. Everything lies in a temporary folder.
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shared, WHY_SKIPPED } from "../../../test/shared.ts";
import { planLayout } from "../../dataset/layout.ts";
import { LEDGER_COLUMNS } from "../../dataset/ledger-columns.ts";
import { locateHand } from "../../find/hand-model.ts";
import { openHandModel } from "../../find/open.ts";
import { readCsv } from "../../formats/csv.ts";
import { readBytes, sha256 } from "../../machine/files.ts";
import { boxToPx } from "../../pixels/geometry.ts";
import { decodeImage, encodeJpeg } from "../../pixels/image.ts";
import type { RgbImage } from "../../pixels/pixels.ts";
import { resizeBilinear } from "../../pixels/pixels.ts";
import { readAnnotations } from "../hagrid/annotations.ts";
import type { Frame } from "../hagrid/frame.ts";
import { chooseHand } from "../hagrid/pairing.ts";
import { derive } from "./pipeline.ts";

/** Fingers point sideways in most of its frames, so that a wrong turn would show. */
const GESTURE = "like";
const real = shared("data", "hagrid464");
let root = "";
const frames: Frame[] = [];
const at = (name: string) => join(root, name);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-real-"));
  if (real === undefined) return;
  for await (const frame of readAnnotations(real, { gestures: [GESTURE] })) frames.push(frame);
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A HaGRID tree of one gesture; `meta` is everybody's, since no label is checked here. */
async function annotate(tree: string, records: Readonly<Record<string, object>>): Promise<void> {
  const meta = { age: [30], gender: ["female"], race: [] };
  const full = Object.fromEntries(Object.entries(records).map(([id, record]) => [id, { ...record, meta }]));
  await mkdir(at(`${tree}/annotations/test`), { recursive: true });
  await writeFile(at(`${tree}/annotations/test/${GESTURE}.json`), JSON.stringify(full));
}

const recordOf = ({ boxes, labels, userId }: Frame) => ({
  bboxes: boxes.map(({ x, y, width, height }) => [x, y, width, height]),
  labels,
  user_id: userId,
});

async function ledger(out: string) {
  const rows = [];
  for await (const { values } of readCsv(at(`${out}/ledger.csv`), LEDGER_COLUMNS)) rows.push(values);
  return rows;
}

const run = (tree: string, outDir: string, rules: { name: string; threshold: number | null }[] = []) =>
  derive({ hagridDir: at(tree), gestures: [GESTURE], outDir: at(outDir), seed: 42, sizePx: 128, rules });

async function crops(out: string): Promise<Map<string, string>> {
  const { images } = planLayout(at(out));
  const found = new Map<string, string>();
  for (const folder of [images.hand, images.face, at(`${out}/removed_hands`), at(`${out}/removed_faces`)]) {
    for (const name of await readdir(folder).catch(() => [])) {
      found.set(name, sha256(await readFile(join(folder, name))));
    }
  }
  return found;
}

describe.skipIf(real === undefined)(`annotated landmarks on real frames (${WHY_SKIPPED})`, () => {
  it("give the crops that the model's give, by the way of annotations", { timeout: 120_000 }, async () => {
    const model = await openHandModel();
    const plain: Record<string, object> = {};
    const annotated: Record<string, object> = {};
    for (const frame of frames) {
      const image = await decodeImage(await readBytes(frame.path, "a frame"));
      const { width, height } = image;
      const chosen = chooseHand(frame)!;
      const found = await locateHand(model, image, boxToPx(frame.boxes[chosen]!, width, height));
      const points = found?.points.map(({ x, y }) => [x / width, y / height]) ?? [];
      plain[frame.imageId] = recordOf(frame);
      const none: number[][] = [];
      const hand_landmarks = frame.boxes.map((_, i) => (i === chosen ? points : none));
      annotated[frame.imageId] = { ...recordOf(frame), hand_landmarks };
    }
    await model.close();
    for (const [tree, records] of [
      ["plain", plain],
      ["annotated", annotated],
    ] as const) {
      await annotate(tree, records);
      await symlink(join(real!, "images"), at(`${tree}/images`));
      await run(tree, `${tree}-pairs`);
    }
    const [byModel, byAnnotation] = [await ledger("plain-pairs"), await ledger("annotated-pairs")];
    const sources = byModel.map(({ hand_from }) => hand_from);
    expect(sources.filter((from) => from === "model").length).toBeGreaterThan(0.9 * frames.length);
    expect(byAnnotation.map(({ hand_from }) => hand_from)).toEqual(
      sources.map((from) => (from === "model" ? "annotation" : from)),
    );
    for (const { hand_from, landmark_fit } of byAnnotation) {
      if (hand_from === "annotation") expect(Number(landmark_fit)).toBeGreaterThanOrEqual(0.4);
    }
    const first = await crops("plain-pairs");
    expect(first.size).toBeGreaterThan(1.8 * frames.length);
    expect(await crops("annotated-pairs")).toEqual(first);
  });

  it("are removed where they are another's, and the model's are used instead", {
    timeout: 60_000,
  }, async () => {
    const few = frames.slice(0, 6);
    const elsewhere = Array.from({ length: 21 }, (_, i) => [0.01 + 0.002 * i, 0.01 + 0.001 * (i % 5)]);
    const records = few.map((frame) => {
      const hand_landmarks = frame.boxes.map(() => elsewhere);
      return [frame.imageId, { ...recordOf(frame), hand_landmarks }] as const;
    });
    await annotate("elsewhere", Object.fromEntries(records));
    await symlink(join(real!, "images"), at("elsewhere/images"));
    await run("elsewhere", "elsewhere-pairs", [{ name: "landmarks", threshold: null }]);
    for (const row of await ledger("elsewhere-pairs")) {
      expect(row.hand_from).not.toBe("annotation");
      expect(Number(row.landmark_fit)).toBeLessThan(0.3);
    }
    await expect(run("elsewhere", "none")).rejects.toThrow("hand_landmarks_implausible 6");
  });
});

/** Two pictures beside each other, the second as high as the first. */
function beside(left: RgbImage, right: RgbImage): RgbImage {
  const { height } = left;
  const other = resizeBilinear(right, Math.round((right.width * height) / right.height), height);
  const width = left.width + other.width;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    data.set(left.data.subarray(y * left.width * 3, (y + 1) * left.width * 3), y * width * 3);
    const from = other.data.subarray(y * other.width * 3, (y + 1) * other.width * 3);
    data.set(from, (y * width + left.width) * 3);
  }
  return { width, height, data };
}

describe.skipIf(real === undefined)(`frames with two people, made of real ones (${WHY_SKIPPED})`, () => {
  it("keep the face of the hand's owner, or are removed as ambiguous", { timeout: 120_000 }, async () => {
    await mkdir(at(`two/${GESTURE}`), { recursive: true });
    const records: Record<string, object> = {};
    /** Share of the width that the owner's picture takes, from which side. */
    const owners = new Map<string, { readonly from: number; readonly to: number }>();
    for (const [i, frame] of frames.entries()) {
      const stranger = frames[(i + 7) % frames.length]!;
      const [own, other] = await Promise.all(
        [frame, stranger].map(async ({ path }) => decodeImage(await readBytes(path, "a frame"))),
      );
      const first = i % 2 === 0;
      const picture = first ? beside(own!, other!) : beside(other!, own!);
      const share = first
        ? own!.width / picture.width
        : (own!.width * other!.height) / own!.height / picture.width;
      const from = first ? 0 : 1 - share;
      owners.set(frame.imageId, { from: from * picture.width, to: (from + share) * picture.width });
      const bboxes = frame.boxes.map(({ x, y, width, height }) => [
        from + x * share,
        y,
        width * share,
        height,
      ]);
      records[frame.imageId] = { ...recordOf(frame), bboxes };
      await writeFile(at(`two/${GESTURE}/${frame.imageId}.jpg`), await encodeJpeg(picture, { quality: 95 }));
    }
    await annotate("two", records);
    await run("two", "two-pairs", [{ name: "near_duplicate", threshold: null }]);
    const rows = await ledger("two-pairs");
    const several = rows.filter(({ faces }) => Number(faces) >= 2);
    expect(several.length).toBeGreaterThan(0.5 * frames.length); // in a wide picture faces are small to the detector
    const kept = several.filter(({ status }) => status === "kept");
    for (const { image_id, face_box, owner_lead } of kept) {
      const [x = 0, , width = 0] = face_box.split(" ").map(Number);
      const { from, to } = owners.get(image_id)!;
      expect(x + width / 2).toBeGreaterThan(from);
      expect(x + width / 2).toBeLessThan(to);
      expect(Number(owner_lead)).toBeGreaterThanOrEqual(1.5);
    }
    const ambiguous = several.filter(({ reason }) => reason === "ambiguous_face");
    expect(kept.length).toBeGreaterThan(0.5 * several.length);
    expect(kept.length + ambiguous.length).toBeGreaterThan(0.8 * several.length);
    for (const { owner_lead, owner_fit } of ambiguous)
      expect(Number(owner_lead) < 1.5 || Number(owner_fit) > 5).toBe(true);
  });
});

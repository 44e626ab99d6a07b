// Places in a frame as cells of a ledger, and whether squares are what was cut.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { differenceFrom, uprightCut } from "../../../test/cut-again.ts";
import { laySample } from "../../../test/sample.ts";
import { MODALITIES } from "../../core/words.ts";
import { imagePath, planLayout, rawFrame } from "../../dataset/layout.ts";
import { LEDGER_COLUMNS } from "../../dataset/ledger-columns.ts";
import { readCsv } from "../../formats/csv.ts";
import { derive } from "../run/pipeline.ts";
import { cropName } from "../run/work.ts";
import { boxNumbers, parseBox, parsePoints, parseSquare, pointNumbers, squareNumbers } from "./places.ts";

it("are written rounded, and read again", () => {
  const box = { x: 1.004, y: -2.5, width: 30.126, height: 4 };
  expect(boxNumbers(box)).toEqual([1, -2.5, 30.13, 4]);
  expect(parseBox("1 -2.5 30.13 4")).toEqual({ x: 1, y: -2.5, width: 30.13, height: 4 });
  const square = { centre: { x: 10.001, y: 20 }, sidePx: 7, angle: -Math.PI / 4 };
  expect(squareNumbers(square)).toEqual([10, 20, 7, -45]);
  expect(parseSquare("10 20 7 -45")).toEqual({ ...square, centre: { x: 10, y: 20 } });
  expect(pointNumbers([{ x: 1.26, y: 2 }, { x: 0, y: 3.14 }])).toEqual([1.3, 2, 0, 3.1]); // biome-ignore format: pairs
  expect(parsePoints("1.3 2 0 3.1")).toEqual([{ x: 1.3, y: 2 }, { x: 0, y: 3.1 }]); // biome-ignore format: pairs
});

it.each([undefined, null, "", "1 2 3", "1 2 3 4 5", "1 2 x 4", 7])("are none in %j", (cell) => {
  expect(parseBox(cell)).toBeUndefined();
  expect(parseSquare(cell)).toBeUndefined();
});

it("are none in an odd number of numbers", () => expect(parsePoints("1 2 3")).toEqual([]));

it.each(["landmarks", "box"] as const)("cut the crops again, made by %s", async (handCrop) => {
  const dir = await mkdtemp(join(tmpdir(), "facehand-places-"));
  try {
    const [raw, outDir] = [join(dir, "raw"), join(dir, "pairs")];
    await laySample(raw, { subjects: 14, framesPerSubject: 2, seed: 5 });
    const faceLandmarksFile = join(raw, "face_landmarks.json");
    await derive({ hagridDir: raw, gestures: "all", outDir, seed: 1, faceLandmarksFile, handCrop });
    let crops = 0;
    for await (const { values } of readCsv(join(outDir, "ledger.csv"), LEDGER_COLUMNS)) {
      const { image_id: id, gesture, status } = values;
      if (status !== "kept") continue;
      expect(parsePoints(values.face_points)).toHaveLength(5);
      for (const modality of MODALITIES) {
        const cut = modality === "hand" && handCrop === "box" ? uprightCut : undefined;
        const square = parseSquare(values[`${modality}_square`])!;
        const crop = imagePath(planLayout(outDir), modality, cropName(modality, id));
        const frame = rawFrame(raw, gesture, id);
        const far = await differenceFrom(frame, square, crop, cut);
        const { centre } = square;
        const beside = { ...square, centre: { x: centre.x + 1, y: centre.y } };
        expect(far).toBeLessThan(1);
        expect(await differenceFrom(frame, beside, crop, cut)).toBeGreaterThan(3 * far);
        crops++;
      }
    }
    expect(crops).toBeGreaterThan(20);
  } finally {
    await rm(dir, { recursive: true });
  }
});

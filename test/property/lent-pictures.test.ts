// Pictures in memory that others use too: whatever runs at the same time, everyone gets what he gets alone.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { preparer, type WorkerSetup } from "../../src/dataset/loader/worker.ts";
import { turnedCrop } from "../../src/find/crops.ts";
import { type HandModel, openHandModel } from "../../src/find/hand-model.ts";
import { copyOf, encodeQuick, resizeQuick, withPhoto } from "../../src/pixels/fast/resize.ts";
import { openSimd } from "../../src/pixels/fast/simd.ts";
import { decodeImage, encodeJpeg } from "../../src/pixels/image.ts";
import { FULL_AUGMENT } from "../../src/pixels/jitter.ts";
import { fitted } from "../../src/pixels/letterbox.ts";
import type { Perturbation } from "../../src/pixels/perturb.ts";
import { type RgbImage, resizeBilinear } from "../../src/pixels/pixels.ts";
import { picture } from "../parity/pixels.ts";

const FILES = 24;
let folder: string;
let files: Uint8Array[];
let hands: HandModel;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-lent-"));
  hands = await openHandModel();
  files = await Promise.all(
    Array.from({ length: FILES }, async (_, k) => {
      const image = picture(32 + 3 * (k % 5), 40 - 2 * (k % 7), k);
      const file = await encodeJpeg(image, { quality: 90, chroma: k % 3 === 0 ? "4:4:4" : "4:2:0" });
      await writeFile(join(folder, `${k}.jpg`), file);
      return file;
    }),
  );
}, 60_000);
afterAll(async () => {
  await hands.close();
  await rm(folder, { recursive: true });
});

const itemOf = (k: number) => ({ key: String(k), path: join(folder, `${k}.jpg`) });

describe("a loader's thread that works on several requests", () => {
  const kinds: readonly (Perturbation | undefined)[] = [
    undefined,
    { kind: "jpeg", quality: 50 },
    { kind: "blur", sigma: 0.02 },
    { kind: "flip" },
    { kind: "alignment", shift: 0.05, rotate: 8, scale: 0.05 },
  ];

  it("gives each picture as it is prepared alone, by the plain code", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...kinds),
        fc.boolean(),
        fc.constantFrom(0, 20_000, 1 << 20),
        fc.array(fc.uniqueArray(fc.nat(FILES - 1), { minLength: 1, maxLength: 9 }), {
          minLength: 2,
          maxLength: 6,
        }),
        async (perturb, augmented, cacheBytes, requests) => {
          const setup: WorkerSetup = {
            sizePx: 24,
            seed: 3,
            augment: augmented ? FULL_AUGMENT : undefined,
            cacheBytes,
            ...(perturb && { perturb }),
          };
          const plain = preparer({ ...setup, cacheBytes: 0 }, undefined);
          const shared = preparer(setup, openSimd());
          const given = requests.map((chosen, epoch) => shared({ epoch, items: chosen.map(itemOf) }));
          for (const [epoch, chosen] of requests.entries()) {
            const { value } = await given[epoch]!;
            for (const [place, k] of chosen.entries()) {
              const alone = (await plain({ epoch, items: [itemOf(k)] })).value;
              const got = value.subarray(place * alone.length, (place + 1) * alone.length);
              expect(Buffer.compare(got, alone), `file ${k} of request ${epoch}`).toBe(0);
            }
          }
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  }, 120_000);
});

describe("photos of one thread", () => {
  const square = { centre: { x: 15, y: 16 }, sidePx: 20, angle: 0.3 };
  const reading = { centre: { x: 16, y: 16 }, sidePx: 30, angle: 0 };

  /** What is done with a photo; each waits somewhere, and others go on meanwhile. */
  const uses: readonly ((photo: RgbImage) => Promise<unknown>)[] = [
    async (photo) => copyOf(turnedCrop(photo, square, 32)).data,
    async (photo) => encodeQuick(turnedCrop(photo, square, 32), { quality: 95 }),
    async (photo) => encodeQuick(photo, { quality: 80, chroma: "4:4:4" }),
    async (photo) => copyOf(fitted(photo, 16, 16)).data,
    async (photo) => hands.read(photo, reading),
    async (photo) => {
      await Promise.resolve();
      return copyOf(photo).data;
    },
  ];
  /** What needs no photo, and works in the same memory between. */
  const others: readonly ((image: RgbImage) => Promise<unknown>)[] = [
    async (image) => resizeQuick(image, 20, 20).data,
    async (image) => encodeQuick(image, { quality: 70 }),
    async (image) => hands.read(image, reading),
  ];

  it("are each what they are alone, whatever else runs", async () => {
    const plain = await Promise.all(files.map((file) => decodeImage(file)));
    const alone = new Map<string, unknown>();
    const jobs = [...uses.keys()].flatMap((use) => files.map((_, k) => ({ photo: true, use, k })));
    const more = [...others.keys()].flatMap((use) => files.map((_, k) => ({ photo: false, use, k })));
    const run = ({ photo, use, k }: (typeof jobs)[number]) =>
      photo ? withPhoto(files[k]!, {}, uses[use]!) : others[use]!(plain[k]!);
    for (const job of [...jobs, ...more]) alone.set(JSON.stringify(job), await run(job));
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...jobs, ...more], { minLength: 2, maxLength: 24 }),
        async (list) => {
          const got = await Promise.all(list.map(run));
          for (const [i, job] of list.entries()) {
            expect(got[i], JSON.stringify(job)).toEqual(alone.get(JSON.stringify(job)));
          }
        },
      ),
      { numRuns: 40, seed: 2 },
    );
    expect(new Set([...alone.values()].map((value) => JSON.stringify(value))).size).toBeGreaterThan(150);
    const wanted = resizeBilinear(plain[3]!, 20, 20).data;
    expect(alone.get(JSON.stringify({ photo: false, use: 0, k: 3 }))).toEqual(wanted);
  }, 120_000);
});

// Pictures in memory that others use too: whatever runs at the same time, everyone gets what he gets alone.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { preparer, type WorkerSetup } from "../../src/dataset/loader/worker.ts";
import { handCropFromBox, turnedCrop } from "../../src/find/crops.ts";
import type { HandModel } from "../../src/find/hand-model.ts";
import { openHandModel } from "../../src/find/open.ts";
import { augmentInto } from "../../src/pixels/fast/augment.ts";
import { jpegOf } from "../../src/pixels/fast/encode.ts";
import { openPhoto } from "../../src/pixels/fast/open-photo.ts";
import type { Picture } from "../../src/pixels/fast/picture.ts";
import { type Photo, Pictures, withPicture } from "../../src/pixels/fast/pictures.ts";
import { decodeImage, encodeJpeg } from "../../src/pixels/image.ts";
import { ADJUSTMENTS, FULL_AUGMENT } from "../../src/pixels/jitter.ts";
import { fitted, letterbox } from "../../src/pixels/letterbox.ts";
import type { Perturbation } from "../../src/pixels/perturbation.ts";
import { hashOf, lookOf } from "../../src/pixels/phash.ts";
import { BGR } from "../../src/pixels/planes.ts";
import { highlight, sharpness } from "../../src/pixels/quality.ts";
import { picture } from "../parity/pixels.ts";

const FILES = 24;
const JITTER = { brightness: 1.1, contrast: 0.9, saturation: 1.2 };
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
          const plain = preparer({ ...setup, cacheBytes: 0 }, new Pictures({ simd: false }));
          const shared = preparer(setup, new Pictures());
          const given = requests.map(async (chosen, epoch) => {
            const out = new Uint8Array(chosen.length * 24 * 24 * 3);
            await shared({ epoch, items: chosen.map(itemOf), out });
            return out;
          });
          for (const [epoch, chosen] of requests.entries()) {
            const out = await given[epoch]!;
            for (const [place, k] of chosen.entries()) {
              const alone = new Uint8Array(24 * 24 * 3);
              await plain({ epoch, items: [itemOf(k)], out: alone });
              const got = out.subarray(place * alone.length, (place + 1) * alone.length);
              expect(Buffer.compare(got, alone), `file ${k} of request ${epoch}`).toBe(0);
            }
          }
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  }, 120_000);
});

describe("photos of one owner", () => {
  const square = { centre: { x: 15, y: 16 }, sidePx: 20, angle: 0.3 };
  const reading = { centre: { x: 16, y: 16 }, sidePx: 30, angle: 0 };
  const box = { x: 4, y: -3, width: 21, height: 25 };
  const drawn = { mirror: true, degrees: 7, jitter: { ...JITTER, order: ADJUSTMENTS } };

  /** Every use of a picture in a block, but for JPEGs, which plain code leaves to sharp. */
  const blocks: readonly ((picture: Picture) => unknown)[] = [
    (picture) => picture.copy().data,
    (picture) => turnedCrop(picture, square, 32).copy().data,
    (picture) => handCropFromBox(picture, box, 32, 0.1).copy().data,
    (picture) => fitted(picture, 16, 16).copy().data,
    (picture) => hashOf(fitted(picture, 20, 20)),
    (picture) => lookOf(picture),
    (picture) => sharpness(turnedCrop(picture, square, 32)),
    (picture) => highlight(fitted(picture, 16, 16).copy()),
    (picture) => {
      const values = new Float32Array(3 * 24 * 24);
      const shape = { channels: BGR, scale: 1 / 128, offset: -1 };
      const { scaleX } = letterbox(picture, { widthPx: 24, heightPx: 24, place: "centre" }, shape, values);
      return [scaleX, values];
    },
    (picture) => {
      const out = new Uint8Array(3 * 24 * 24);
      augmentInto(picture, drawn, 24, out);
      return out;
    },
  ];
  const smallJpeg = (picture: Picture) => jpegOf(picture.resized(32, 32), 80);

  type Use = (photo: Photo) => Promise<unknown>;
  /** What is done with a photo: blocks one after another, with others between them; and models that open it themselves. */
  const uses: readonly Use[] = [
    ...blocks.map(
      (block): Use =>
        async (photo) =>
          withPicture(photo, (picture) => [block(picture)]),
    ),
    ...blocks.map(
      (block, k): Use =>
        async (photo) => {
          const first = withPicture(photo, (picture) => [block(picture)]);
          await new Promise(setImmediate);
          const other = blocks[(k + 3) % blocks.length]!;
          return [first, withPicture(photo, (picture) => [other(picture), block(picture)])];
        },
    ),
    async (photo) => hands.read(photo, reading),
    async (photo) => {
      const found = await hands.read(photo, reading);
      return [found, withPicture(photo, (picture) => turnedCrop(picture, square, 32).copy().data)];
    },
  ];

  it("are each what they are alone by the plain code, whatever else runs", async () => {
    const plain = new Pictures({ simd: false });
    const images = await Promise.all(files.map((file) => decodeImage(file)));
    const jobs = [...uses.keys()].flatMap((use) =>
      files.map((_, k) => ({ use, k, own: (use + k) % 3 === 0 })),
    );
    const alone = new Map<string, unknown>();
    for (const job of jobs) alone.set(JSON.stringify(job), await uses[job.use]!(plain.photo(images[job.k]!)));
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(jobs, { minLength: 2, maxLength: 40 }), async (list) => {
        const pictures = new Pictures();
        /** A file, or pixels that came without one. */
        const open = async ({ k, own }: (typeof jobs)[number]) =>
          own ? pictures.photo(images[k]!) : await openPhoto(pictures, files[k]!);
        const got = await Promise.all(list.map(async (job) => uses[job.use]!(await open(job))));
        for (const [i, job] of list.entries()) {
          expect(got[i], JSON.stringify(job)).toEqual(alone.get(JSON.stringify(job)));
        }
      }),
      { numRuns: 40, seed: 2 },
    );
    expect(new Set([...alone.values()].map((value) => JSON.stringify(value))).size).toBeGreaterThan(300);
  }, 240_000);

  it("are encoded as sharp does, between others", async () => {
    const pictures = new Pictures();
    const photos = await Promise.all(files.map((file) => openPhoto(pictures, file)));
    const got = await Promise.all(
      photos.map(async (photo) => {
        await new Promise(setImmediate);
        return withPicture(
          photo,
          (picture) => [smallJpeg(picture)!, picture.resized(32, 32).copy()] as const,
        );
      }),
    );
    for (const [file, image] of got)
      expect(Buffer.compare(file, await encodeJpeg(image, { quality: 80 }))).toBe(0);
  }, 60_000);
});

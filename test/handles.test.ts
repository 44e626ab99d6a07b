// What has native memory or threads: interleavings of the hardening campaign, and the misuse of the public functions.
// Processes of their own make them: one that dies of a signal fails the test instead of ending it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { BAD_IMAGES } from "../harden/interleave.ts";
import {
  createSession,
  decodeImage,
  encodeJpeg,
  encodePng,
  flipHorizontal,
  openFaceDetector,
  openFinder,
  openPredictor,
  resizeBilinear,
} from "../src/index.ts";
import { WorkerPool } from "../src/machine/pool.ts";
import { makePrograms } from "./programs.ts";
import { ROOT } from "./source.ts";

const MINUTES = 60_000;
const dir = mkdtempSync(join(tmpdir(), "facehand-handles-"));
const MODULES = ["handles", "interleave", "interleave-real"].map((name) => `harden/${name}`);
const programs = await makePrograms(...MODULES, "harden/handles-child", "harden/pool-worker");
const load = (name: string) => import(pathToFileURL(programs.path(`harden/${name}`)).href);
const { handles } = (await load("handles")) as typeof import("../harden/handles.ts");
const { interleave } = (await load("interleave")) as typeof import("../harden/interleave.ts");
const { REAL } = (await load("interleave-real")) as typeof import("../harden/interleave-real.ts");
/** A thread's module beside the programs, without its ending. */
const threadOf = (name: string) => new URL(name, pathToFileURL(programs.path("harden/handles")));
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
  programs.remove();
});

describe("native handles", () => {
  it(
    "stand 2,000 interleavings of opening, running, misusing and closing, and processes that end meanwhile",
    async () => {
      const open = await handles.open(dir);
      try {
        for (let seed = 1; seed <= 4; seed++) expect((await open.attempt(seed)).faults).toEqual([]);
      } finally {
        await open.close();
      }
    },
    10 * MINUTES,
  );

  it(
    "stand a few with real detectors, finders and threads",
    async () => {
      for (let seed = 1; seed <= 4; seed++) expect(await interleave(seed, REAL)).toEqual([]);
    },
    5 * MINUTES,
  );

  it.each([
    ["terminate", "0"],
    ["exit", "0"],
    ["throw", "1"],
    ["reject", "1"],
    ["interrupt", "SIGINT"],
    ["unref", "0"],
  ])(
    "do not crash a process that ends while a model runs: %s",
    async (way, wanted) => {
      const stdio = ["ignore", "ignore", "ignore"] as const;
      const child = spawn(process.execPath, [join(ROOT, "harden/ending.mjs"), way, "3", "2"], {
        stdio: [...stdio],
      });
      const [code, signal] = await once(child, "close");
      expect(String(signal ?? code)).toBe(wanted);
    },
    MINUTES,
  );
});

describe("a pool of threads", () => {
  const openPool = (size: number) => new WorkerPool<number, number>(threadOf("./pool-worker"), size);

  it(
    "answers what was asked before its closing, refuses what comes after, and is closed once",
    async () => {
      const pool = openPool(2);
      const asked = [1, 2, 3, 4, 5].map((value) => pool.run(value));
      const closed = [pool.close(), pool.close()];
      await expect(pool.run(6)).rejects.toMatchObject({ kind: "input", code: "RELEASED" });
      expect(await Promise.all(asked)).toEqual([-1, -2, -3, -4, -5]);
      await Promise.all(closed);
      await pool.close();
    },
    MINUTES,
  );

  it(
    "continues after what cannot be sent",
    async () => {
      const pool = openPool(1);
      await expect(pool.run((() => 0) as never)).rejects.toThrow(/could not be cloned/);
      expect(await pool.run(7)).toBe(-7);
      await pool.close();
    },
    MINUTES,
  );

  it(
    "reports a thread that cannot begin, and can be closed",
    async () => {
      const pool = new WorkerPool<number, number>(threadOf("./no-such-file"), 1);
      await expect(pool.run(1)).rejects.toThrow(/no-such-file/);
      await expect(pool.run(1)).rejects.toThrow(/no-such-file/); // later tasks get the same cause
      await pool.close();
    },
    MINUTES,
  );
});

describe("what is no picture", () => {
  const notAnImage = {
    kind: "input",
    code: "NOT_AN_IMAGE",
    message: expect.stringMatching(/^Expected .+ for .+, got /),
  };

  it(
    "is refused by every function that takes one",
    async () => {
      const detector = await openFaceDetector();
      const finder = await openFinder({ modalities: ["hand", "face"] });
      const takers: [string, (image: never) => unknown][] = [
        ["resizeBilinear", (image) => resizeBilinear(image, 2, 3)],
        ["flipHorizontal", (image) => flipHorizontal(image)],
        ["encodeJpeg", (image) => encodeJpeg(image)],
        ["encodePng", (image) => encodePng(image)],
        ["detect", (image) => detector.detect(image)],
        ["find a hand", (image) => finder.find(image, "hand")],
        ["find a face", (image) => finder.find(image, "face")],
      ];
      for (const [name, take] of takers)
        for (const bad of BAD_IMAGES)
          await expect((async () => take(bad() as never))(), `${name} of ${bad}`).rejects.toMatchObject(
            notAnImage,
          );
      await Promise.all([detector.close(), finder.close()]);
      await expect(detector.detect(BAD_IMAGES[0]!())).rejects.toMatchObject({
        code: "RELEASED",
        message: "Expected an open face detector, got one that is closed",
      });
      await expect(finder.find(BAD_IMAGES[0]!(), "hand")).rejects.toMatchObject({ code: "RELEASED" });
    },
    MINUTES,
  );

  it(
    "is distinguished from the smallest picture, and from sizes that are none",
    async () => {
      const one = { width: 1, height: 1, data: Uint8Array.of(1, 2, 3) };
      const detector = await openFaceDetector();
      const finder = await openFinder({ modalities: ["hand", "face"] });
      const thin = { width: 30_000, height: 1, data: new Uint8Array(90_000) };
      for (const image of [one, thin, { ...thin, width: 1, height: 30_000 }]) {
        expect(await detector.detect(image)).toEqual([]);
        expect(await finder.find(image, "face")).toBeUndefined();
        expect(await finder.find(image, "hand")).toBeUndefined();
        expect((await decodeImage(await encodePng(image))).data).toEqual(image.data);
      }
      for (const size of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
        expect(() => resizeBilinear(one, size, 2)).toThrow(
          /^Expected an integer from 1 to 32768 for the width to resize to, got /,
        );
      await Promise.all([detector.close(), finder.close()]);
    },
    MINUTES,
  );

  it(
    "reports which option was wrong",
    async () => {
      const image = { width: 1, height: 1, data: new Uint8Array(3) };
      await expect(encodeJpeg(image, { quality: Number.NaN })).rejects.toMatchObject({
        code: "IMAGE_OPTION",
        message: "Expected an integer from 1 to 100 for quality, got NaN",
      });
      await expect(encodeJpeg(image, { chroma: "4:1:1" as never })).rejects.toThrow(
        'Expected 4:2:0 or 4:4:4 for chroma, got "4:1:1"',
      );
      await expect(decodeImage(image.data, { maxPixels: Number.NaN })).rejects.toThrow(
        "Expected an integer from 1 on for maxPixels, got NaN",
      );
      await expect(decodeImage(7 as never)).rejects.toThrow(
        "Expected a path or a Uint8Array for the image, got 7",
      );
      const finder = await openFinder({ modalities: ["face"] });
      await expect(finder.find(image, "hand")).rejects.toMatchObject({
        code: "MODALITY_NOT_OPENED",
        message: 'Expected face for the modality, got "hand"',
        hint: "name it in the modalities of openFinder",
      });
      await finder.close();
      await expect(
        openPredictor({ facts: {} as never, weights: new Map(), createSession, batchSize: 0 }),
      ).rejects.toMatchObject({
        code: "BATCH_SIZE",
        message: "Expected an integer from 1 on for the batch size, got 0",
      });
    },
    MINUTES,
  );
});

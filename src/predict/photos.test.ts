// Many images in threads: the same answers, messages and faults as in one, in order; what ends them early leaves nothing behind.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blob } from "../../test/pictures.ts";
import { PROGRAM } from "../../test/process.ts";
import { TINY, writeTiny } from "../../test/tiny-model.ts";
import { AppError, Interrupted } from "../core/errors.ts";
import { encodeJpeg, encodePng } from "../pixels/image.ts";
import { openWeights } from "./infer.ts";
import { batchOf, type FilesOptions, predictFiles } from "./photos.ts";
import type { Predictor } from "./predictor.ts";
import { openCropThreads } from "./threads.ts";

/** Enough for two threads. */
const MANY = 256;
let dir = "";
let images: string[] = [];
let model: Predictor;
const at = (name: string) => join(dir, name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-photos-"));
  await mkdir(at("many"));
  const jpeg = async (name: string, sidePx: number) => await encodeJpeg(blob(name, sidePx));
  const raw = (name: string, sidePx: number) => {
    const { data, width, height } = blob(name, sidePx);
    return sharp(data, { raw: { width, height, channels: 3 } });
  };
  const kinds = [
    [await jpeg("a", 100), "jpg"], // large enough to be searched
    [await encodePng(blob("b", 60)), "png"],
    [await raw("c", 50).webp().toBuffer(), "webp"],
    [await raw("d", 45).jpeg({ progressive: true }).toBuffer(), "jpg"],
    [
      await encodePng({ ...blob("e", 60), height: 40, data: blob("e", 60).data.subarray(0, 60 * 40 * 3) }),
      "png",
    ],
    [await jpeg("f", 40), "jpg"],
    [(await jpeg("g", 80)).subarray(0, 700), "jpg"],
    [new Uint8Array(0), "png"],
  ] as const;
  for (let i = 0; i < MANY; i++) {
    const [bytes, ending] = kinds[(5 * i + (i >> 5)) % kinds.length]!;
    await writeFile(
      at(`many/${String(i).padStart(3, "0")}${i === 70 ? "\n\u001b[31m" : ""}.${ending}`),
      bytes,
    );
  }
  await symlink(at("gone"), at("many/071x.png"));
  await mkdir(at("long"));
  for (let i = 0; i < 600; i++) await link(at("many/000.jpg"), at(`long/${i}.jpg`)); // many seconds of searching
  images = (await readdir(at("many"))).sort().map((name) => at(`many/${name}`));
  model = await open(images.length);
});
afterAll(async () => {
  await model.close();
  await rm(dir, { recursive: true });
});

async function open(count: number): Promise<Predictor> {
  const weights = await writeTiny(at("m.safetensors"));
  return openWeights(TINY, weights, { batch: batchOf(count), threads: 1 });
}

const plain = { modality: "auto", signal: new AbortController().signal, report: () => undefined } as const;

/** What is answered, reported and thrown by that many threads; and how many were started. */
async function outcome(threads: number, options: Partial<FilesOptions> = {}, paths = images) {
  const reports: string[] = [];
  let started = 0;
  const count = () => started++;
  process.on("worker", count);
  try {
    const all = { ...plain, report: (text: string) => reports.push(text), ...options, threads };
    const made = await predictFiles(paths, model, all).catch((error: unknown) => {
      if (!(error instanceof AppError)) throw error;
      const { kind, code, message, hint } = error;
      return { kind, code, message, hint };
    });
    return { made, reports, started };
  } finally {
    process.off("worker", count);
  }
}

describe("predictFiles", () => {
  it("answers in threads as in one, image by image, also where files cannot be read", async () => {
    const [one, two] = [await outcome(1), await outcome(2)];
    expect([one.started, two.started]).toEqual([0, 2]);
    expect(two.made).toEqual(one.made);
    const { rows, unread } = one.made as Awaited<ReturnType<typeof predictFiles>>;
    expect(rows.length + unread.length).toBe(MANY + 1);
    const named = rows.map(({ image }) => image);
    expect(named).toEqual(images.filter((image) => named.includes(image)));
    expect(new Set(rows.map(({ probability }) => probability)).size).toBe(6); // of six pictures
    expect(unread).toHaveLength(MANY / 4 + 1);
    expect(unread.filter((message) => message.includes("071x.png, got no such file"))).toHaveLength(1);
    expect(rows.some(({ uncropped }) => uncropped?.startsWith("its sides are 60 and 40 px"))).toBe(true);
  });

  it("draws the same photos, and reports those in which nothing is found", async () => {
    for (const name of ["one", "two"]) await mkdir(at(name));
    const found = (threads: number, name: string) =>
      outcome(threads, { detect: true, modality: "hand", pictures: at(name) }, images.slice(0, 130));
    const [one, two] = [await found(1, "one"), await found(2, "two")];
    expect([one.started, two.started]).toEqual([0, 1]);
    expect(two).toEqual({ ...one, started: 1 });
    expect(one.made).toMatchObject({ kind: "data", code: "NO_HAND" });
    const drawn = (await readdir(at("one"))).sort();
    expect(drawn.length).toBeGreaterThan(80);
    expect((await readdir(at("two"))).sort()).toEqual(drawn);
    for (const name of drawn)
      expect(await readFile(at(`two/${name}`))).toEqual(await readFile(at(`one/${name}`)));
  });

  it("ends with the fault of a detector's model as one thread does", async () => {
    await copyFile(at("m.safetensors"), at("face.onnx"));
    const how = { detect: true, modality: "face", faceModel: at("face.onnx") } as const;
    const [one, two] = [await outcome(1, how), await outcome(2, how)];
    expect(one.made).toMatchObject({ kind: "data", hint: expect.any(String) });
    expect(two).toEqual({ ...one, started: 2 });
  });

  it("has a bounded number of images under way, however many there are", async () => {
    const many = Array.from({ length: 640 }, () => at("many/001.jpg"));
    let [taken, asked, most] = [0, 0, 0];
    const counted = Object.assign([...many], {
      *[Symbol.iterator]() {
        for (const image of many) {
          taken++;
          yield image;
        }
      },
    });
    const own = await open(many.length);
    const watched: Predictor = {
      ...own,
      predictPixels: (pixels, modalities) => {
        most = Math.max(most, taken - asked);
        asked += modalities.length;
        return own.predictPixels(pixels, modalities);
      },
    };
    const { rows } = await predictFiles(counted, watched, { ...plain, threads: 2 });
    await own.close();
    expect([rows.length, taken, asked]).toEqual([640, 640, 640]);
    expect(most).toBeLessThanOrEqual(3 * batchOf(640) + 2);
    expect(most).toBeGreaterThan(batchOf(640)); // there are threads
  });

  it("ends with a thread that is ended, whoever waits for it, and begins anew afterwards", async () => {
    let ended = 0;
    const end = (worker: Worker) => {
      if (ended++ === 0) void once(worker, "message").then(() => worker.terminate());
    };
    process.on("worker", end);
    const killed = await outcome(2);
    process.off("worker", end);
    expect(killed.made).toMatchObject({ kind: "internal", code: "WORKER_EXIT" });
    expect((await outcome(2)).made).toEqual((await outcome(1)).made);
  });

  it("stops between two images, and begins none of those that were asked for", async () => {
    const stop = new AbortController();
    const stopped = predictFiles(images, model, { ...plain, threads: 2, signal: stop.signal });
    stop.abort();
    await expect(stopped).rejects.toThrow(Interrupted);

    const setup = { facts: TINY, modality: "auto", detect: false, threads: 2 } as const;
    const threads = openCropThreads(setup, { images: MANY, batch: 32, report: () => undefined });
    const asked = images.slice(0, threads.ahead).map((source) => threads.prepare({ name: source, source }));
    threads.stop(); // before a thread has started
    const answers = await Promise.all(asked);
    await threads.close();
    expect(answers).toHaveLength(66);
    expect(answers.every(({ crops }) => crops.length === 0)).toBe(true);
  });
});

describe("facehand predict", () => {
  const start = (folder: string, ...flags: readonly string[]) => {
    const child = spawn(process.execPath, [PROGRAM, "predict", at("m.safetensors"), folder, ...flags]);
    const all = [textOf(child.stdout), textOf(child.stderr), once(child, "exit")] as const;
    return {
      child,
      ended: Promise.all(all).then(([out, err, [code]]) => ({ out, err, code: code as number })),
    };
  };

  it("prints the same of many images by threads, from the built package", async () => {
    const [one, two] = ["1", "2"].map((n) => start(at("many"), "--json", "--threads", n).ended);
    const { out, code } = await one!;
    expect(code).toBe(0);
    expect(JSON.parse(out).predictions).toHaveLength((3 * MANY) / 4);
    expect(await two).toEqual(await one);
  });

  it.each([1, 2])(
    "ends at %i Ctrl-C with 130, as one thread does, and leaves no drawn photo",
    async (times) => {
      const flags = ["--threads", "2", "--detect", "--pictures", at("drawn")];
      const { child, ended } = start(at("long"), ...flags);
      const drawn = async () =>
        (await readdir(dir, { recursive: true })).filter((name) => /^\W*drawn.*jpg/.test(name));
      while (child.exitCode === null && (await drawn()).length === 0)
        await new Promise((resolve) => setTimeout(resolve, 10));
      const before = await readdir(dir);
      for (let i = 0; i < times; i++) {
        child.kill("SIGINT");
        if (i + 1 < times) await once(child.stderr, "data"); // the first is heard
      }
      const { out, err, code } = await ended;
      expect([out, code], err).toEqual(["", 130]);
      if (times === 1)
        expect(err).toMatch(/Ctrl-C again to stop at once.\n(.*\n)*Stopped; nothing was predicted\n$/);
      expect(before.some((name) => name.includes("drawn"))).toBe(true);
      expect((await readdir(dir)).includes("drawn")).toBe(false);
      if (times === 1) expect(await drawn()).toEqual([]);
    },
  );
});

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const part of stream) text += String(part);
  return text;
}

// Stored features of a frozen backbone: the same training to the bit, without the backbone in later epochs.
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../core/random.ts";
import type { Sample } from "../../core/words.ts";
import { predictionFiles } from "../../evaluate/stored/prediction-folder.ts";
import { exists, sha256File } from "../../machine/files.ts";
import { encodeJpeg } from "../../pixels/image.ts";
import { runPaths } from "../../predict/run-folder.ts";
import { parseTrainConfig, type TrainConfig } from "../config.ts";
import { openData } from "../data.ts";
import { train } from "../loop.ts";
import { featureNote, openFeatures, removeFeatures } from "./features.ts";

let root: string;
let config: TrainConfig;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-features-"));
  const faces = join(root, "faces");
  await mkdir(faces);
  for (let i = 0; i < 30; i++) {
    const random = Random.of(i);
    const data = Uint8Array.from({ length: 32 * 32 * 3 }, () => 60 + (i % 2) * 80 + random.int(60));
    const name = `${20 + i}_${i % 2}_0_2017010900${String(i).padStart(4, "0")}.jpg.chip.jpg`;
    await writeFile(join(faces, name), await encodeJpeg({ width: 32, height: 32, data }));
  }
  config = parseTrainConfig({
    arch: "umcc",
    tag: "test_efficientnet.none_F1_An_Lb_Z2",
    data: [`utkface:${faces}`],
    imageSize: 32,
    epochs: 3,
    batch: 4,
    accumulate: 2,
    lr: 3e-3,
  });
});
afterAll(() => rm(root, { recursive: true, force: true }));

const figures = async (dir: string) => {
  const { log, last, best, predictions } = runPaths(dir);
  const stored = (await predictionFiles(predictions)).map(({ path }) => path);
  expect(stored).toHaveLength(1); // validation: --test is 0
  const lines = (await readFile(log, "utf8")).trim().split("\n");
  return {
    epochs: lines.map((line) => ({ ...JSON.parse(line), seconds: 0, waitSeconds: 0 })),
    digests: await Promise.all([last, best, ...stored].map(sha256File)),
  };
};

describe("training with stored features", () => {
  it("gives the same losses and weights as without, stopped or not", { timeout: 120_000 }, async () => {
    const options = (name: string) => ({ dir: join(root, name), threads: 1, workers: 1 });
    await train(config, { ...options("plain"), keepFeatures: false });
    const wanted = await figures(join(root, "plain"));
    await train(config, options("stored"));
    expect(await figures(join(root, "stored"))).toEqual(wanted);
    expect(await exists(runPaths(join(root, "stored")).features)).toBe(false);

    const stop = new AbortController();
    const onStep = (_: unknown, { step }: { step: number }) => {
      if (step === 4) stop.abort();
    };
    await expect(train(config, { ...options("stopped"), signal: stop.signal, onStep })).rejects.toThrow(
      "Stopped",
    );
    expect(await exists(runPaths(join(root, "stopped")).features)).toBe(true);
    // From here on no training image is wanted: all were seen in the first epoch.
    for (const { path } of (await openData(config)).samples.train)
      await writeFile(path, Buffer.alloc((await stat(path)).size));
    await train(config, { ...options("stopped"), resume: true });
    expect(await figures(join(root, "stopped"))).toEqual(wanted);
  });

  it("reports that augmentation forbids it", () => {
    expect(featureNote({ tag: "resnet18.in1k_F1_Af_Lb_Z2" })).toContain("augmentation (Af) makes new images");
    expect(featureNote({ tag: "resnet18.in1k_F1_An_Lb_Z2" })).toBeUndefined();
    expect(featureNote({ tag: "resnet18.in1k_F1_Af_Lb_Z0" })).toBeUndefined();
  });
});

describe("the store of features", () => {
  const samples = ["a", "b", "c"].map((id) => ({ id, source: "s" }) as Sample);
  const paths = () => ({ features: join(root, "f.bin"), featuresKey: join(root, "f.json") });

  it("gives rows back, also later, but not those that are damaged or of another key", async () => {
    const [a, b, c] = samples as [Sample, Sample, Sample];
    const store = await openFeatures(paths(), samples, 2, "k");
    expect(store.has([a])).toBe(false);
    store.write([c, a], Float32Array.of(1, 2, 3, 4));
    expect(store.has([a, c])).toBe(true);
    expect(store.has([a, b])).toBe(false);
    store.close();

    const again = await openFeatures(paths(), samples, 2, "k");
    expect([...again.read([a, c])]).toEqual([3, 4, 1, 2]);
    expect(again.has([b])).toBe(false);
    again.close();

    const bytes = await readFile(paths().features);
    bytes[1]! ^= 1; // in the row of a
    await writeFile(paths().features, bytes);
    const damaged = await openFeatures(paths(), samples, 2, "k");
    expect([a, c].map((sample) => damaged.has([sample]))).toEqual([false, true]);
    damaged.close();

    const other = await openFeatures(paths(), samples, 2, "another");
    expect(other.has([c])).toBe(false);
    other.close();
    await removeFeatures(paths());
    expect(await exists(paths().features)).toBe(false);
  });
});

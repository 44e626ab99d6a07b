// What do stored features save? Trains the heads on a frozen backbone (Z2, no augmentation) with and without storing its
// features, in turn, and compares the seconds of epochs as log.jsonl has them: steps, waiting for images, validation.
// Usage: npm run bench -- epochs [--model NAME] [--batch N] [--size PX] [--images N] [--pairs N]
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Random } from "../src/core/random.ts";
import { encodeJpeg } from "../src/pixels/image.ts";
import { parseTrainConfig } from "../src/train/config.ts";
import { train } from "../src/train/loop.ts";
import { parseOptions } from "./options.ts";
import { spread } from "./statistics.ts";
import { VERSIONS } from "./versions.ts";

const EPOCHS = 4;
const IMAGE_PX = 300;

const OPTIONS = {
  model: { type: "string", default: "tf_efficientnetv2_s" },
  batch: { type: "string", default: "8" },
  size: { type: "string", default: "224" },
  images: { type: "string", default: "160" },
  pairs: { type: "string", default: "2" },
} as const;

/** Drawn pictures in the layout of UTKFace: a fifth of them validates. */
async function drawFaces(dir: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const random = Random.of(i);
    const data = Uint8Array.from(
      { length: IMAGE_PX * IMAGE_PX * 3 },
      (_, k) => ((k / IMAGE_PX) % 200) + random.int(40),
    );
    const name = `${20 + (i % 60)}_${i % 2}_0_2017010900${String(i).padStart(5, "0")}.jpg.chip.jpg`;
    writeFileSync(join(dir, name), await encodeJpeg({ width: IMAGE_PX, height: IMAGE_PX, data }));
  }
}

/** Runs the comparison. @param argv - arguments after `epochs` */
export async function epochs(argv: readonly string[]): Promise<void> {
  const { values } = parseOptions(argv, OPTIONS);
  const [batch, sizePx, images, pairs] = [values.batch, values.size, values.images, values.pairs].map(Number);
  const folder = mkdtempSync(join(tmpdir(), "facehand-epochs-"));
  await drawFaces(folder, images!);
  const config = parseTrainConfig({
    ...{ arch: "umcc", tag: `${values.model}.none_F1_An_Lb_Z2`, data: [`utkface:${folder}`] },
    ...{ imageSize: sizePx, batch, epochs: EPOCHS, lr: 1e-3 },
  });
  const seconds = { stored: [] as number[][], not: [] as number[][] };
  for (let pair = 0; pair < 2 * pairs!; pair++) {
    const keepFeatures = pair % 4 === 0 || pair % 4 === 3; // who goes first alternates
    const dir = join(folder, `run-${pair}`);
    const done = await train(config, { dir, threads: 2, workers: 2, keepFeatures });
    seconds[keepFeatures ? "stored" : "not"].push(done.epochs.map((epoch) => epoch.seconds));
  }
  rmSync(folder, { recursive: true });
  const of = (runs: readonly number[][], from: number, to: number) =>
    spread(runs.flatMap((run) => run.slice(from, to).map((s) => 1000 * s)));
  const row = {
    benchmark: "epochs",
    ...{ model: values.model, batch, sizePx, images, threads: 2, pairs },
    firstMs: of(seconds.stored, 0, 1),
    laterMs: of(seconds.stored, 1, EPOCHS),
    laterWithoutMs: of(seconds.not, 1, EPOCHS),
    versions: VERSIONS,
    machine: { cpu: cpus()[0]?.model.trim(), cores: availableParallelism() },
    time: new Date().toISOString(),
  };
  const share = (a: number, b: number) => (a / b).toFixed(3);
  const [first, later, without] = [row.firstMs, row.laterMs, row.laterWithoutMs].map(({ median }) => median);
  console.log(
    `first epoch ${first!.toFixed(0)} ms, later ${later!.toFixed(0)} ms (${share(later!, first!)} of it)`,
  );
  console.log(
    `later without stored features ${without!.toFixed(0)} ms: stored ones take ${share(later!, without!)} of it`,
  );
  appendFileSync(fileURLToPath(new URL("results.jsonl", import.meta.url)), `${JSON.stringify(row)}\n`);
}

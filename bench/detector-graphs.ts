// `npm run bench -- detector-graphs`: processor time of a run of MediaPipe's models on one thread, as they are translated and
// as they are rewritten for blocked kernels, by turns; beside them, independent conversions where they are at hand.
// The picture is noise: PRelu branches on every value, so that the palm detector's plain graph is slower than on photos.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Random } from "../src/core/random.ts";
import { createSession } from "../src/engine/runtime/open-session.ts";
import { probeBlock } from "../src/engine/runtime/probe.ts";
import { type Session, Tensor } from "../src/engine/runtime/session.ts";
import { importTflite } from "../src/engine/tflite/import.ts";
import { forBlockedKernels } from "../src/engine/tflite/import-blocked.ts";
import type { PackagedModel } from "../src/find/models.ts";
import { readPackaged } from "../src/find/packaged.ts";
import { encodeModel } from "../src/formats/onnx.ts";
import { readTflite } from "../src/formats/tflite.ts";
import { readBytes } from "../src/machine/files.ts";
import { spread } from "./statistics.ts";
import { aligned } from "./table.ts";

const RUNS = 140;
const WARMUP = 10;

const packaged = async (model: PackagedModel) => (await readPackaged(model)).bytes;

const MODELS = [
  ["face_detection_full_range", 192, () => packaged("faces")],
  ["palm_detection_lite", 192, () => packaged("palms")],
  ["hand_landmark_lite", 224, () => packaged("landmarks")],
] as const;

const conversion = (name: string) =>
  fileURLToPath(new URL(`../../shared/models/mediapipe_onnx/${name}.onnx`, import.meta.url));

/** Prints least and median times. */
export async function detectorGraphs(): Promise<void> {
  const rows = [];
  for (const [name, sidePx, read] of MODELS) {
    const plain = importTflite(readTflite(await read()));
    const models = [plain, forBlockedKernels(plain, await probeBlock())].map(encodeModel);
    if (existsSync(conversion(name))) models.push(await readBytes(conversion(name), name));
    const sessions = await Promise.all(models.map((model) => createSession(model, { threads: 1 })));
    const times = await timesOf(sessions, sidePx);
    rows.push([name, ...[0, 1, 2].map((k) => shown(times[k]))]);
    await Promise.all(sessions.map((session) => session.release()));
  }
  console.log(aligned([["ms a run, least (median)", "plain", "rewritten", "conversion"], ...rows]));
}

async function timesOf(sessions: readonly Session[], sidePx: number): Promise<number[][]> {
  const random = Random.of(1);
  const pixels = Float32Array.from({ length: 3 * sidePx ** 2 }, () => random.next());
  const times: number[][] = sessions.map(() => []);
  for (let run = 0; run < WARMUP + RUNS; run++) {
    for (const [k, session] of sessions.entries()) {
      const before = process.cpuUsage();
      await session.run({ [session.inputNames[0]!]: new Tensor("float32", pixels, [1, 3, sidePx, sidePx]) });
      const { user, system } = process.cpuUsage(before);
      if (run >= WARMUP) times[k]!.push((user + system) / 1000);
    }
  }
  return times;
}

function shown(times: readonly number[] | undefined): string {
  if (times === undefined) return "";
  const { min, median } = spread(times);
  return `${min.toFixed(2)} (${median.toFixed(2)})`;
}

// The peer of `npm run bench -- loader`: each way to decode and augment serves the benchmark, and does the same work for the same numbers drawn.
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { picture } from "../bench/loader.ts";
import { setupsOf } from "../bench/options.ts";
import { findPython } from "../bench/peer.ts";
import { encodeJpeg } from "../src/pixels/image.ts";

const SCRIPT = fileURLToPath(new URL("../bench/peer/loader.py", import.meta.url));
/** Pictures of one setup as lists, by the numbers that a seed draws. */
const PICTURES = `
import json, runpy, sys
script, setup = sys.argv[1:]
sys.argv = [script, json.dumps({"batch": 2, "sizePx": 64, "threads": 1}), setup]
made = runpy.run_path(script)
made["torch"].manual_seed(5)
images = made["Images"]()
print(json.dumps([[str(x.dtype), list(x.shape), x.flatten().tolist()] for x in (images[i] for i in range(4))]))
`;
type Made = readonly [dtype: string, shape: readonly number[], values: readonly number[]];

const TORCH = findPython(undefined, undefined, "torch, torchvision");
/** The Python with torch, if it has what a setup decodes by. */
function pythonFor(setup: string): ReturnType<typeof findPython> {
  if ("missing" in TORCH) return TORCH;
  if (setup === "pyvips") return findPython(TORCH.path, undefined, "pyvips");
  const isThere = setup !== "simd" || process.env["PILLOW_SIMD"] !== undefined;
  return isThere ? TORCH : { missing: "PILLOW_SIMD names no folder" };
}

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-bench-loader-"));
  await mkdir(join(folder, "facehand-bench-images-1"));
  for (let i = 0; i < 4; i++) {
    const jpeg = await encodeJpeg({ width: 300, height: 300, data: picture(i) });
    await writeFile(join(folder, "facehand-bench-images-1", `${i}.jpg`), jpeg);
  }
});
afterAll(() => rm(folder, { recursive: true }));

/** The Python's answer, one JSON value a line. */
function ran(python: string, args: readonly string[], input: string): unknown[] {
  const env = { ...process.env, TMPDIR: folder };
  const { status, stdout, stderr } = spawnSync(python, args, { encoding: "utf8", env, input });
  expect(status, stderr).toBe(0);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe.each(setupsOf("loader", "default,simd,tensors,pyvips"))("the peer's loader, %s", (setup) => {
  it("serves epochs", { timeout: 120_000 }, (context) => {
    const python = pythonFor(setup);
    if ("missing" in python) return context.skip(`needs what it decodes by: ${python.missing}`);
    const work = JSON.stringify({ batch: 2, sizePx: 64, threads: 2 });
    const [ready, ...epochs] = ran(python.path, [SCRIPT, work, setup], "step\nstep\n");
    const decoder = { default: "pillow", simd: "pillow-simd", tensors: "decode_jpeg" }[setup] ?? setup;
    expect(ready).toMatchObject({ ready: true, versions: { decoder, torch: expect.any(String) } });
    expect(epochs).toHaveLength(2);
    for (const epoch of epochs as { ms: number; peakMb: number; result: number }[]) {
      expect(epoch.ms).toBeGreaterThan(0);
      expect(epoch.peakMb).toBeGreaterThan(100); // of three processes
      expect(epoch.result).toBeGreaterThan(0);
      expect(epoch.result).toBeLessThanOrEqual(2 * 255);
    }
  });

  it("makes Pillow's pictures but for roundings", { timeout: 120_000 }, (context) => {
    const python = pythonFor(setup);
    if ("missing" in python) return context.skip(`needs what it decodes by: ${python.missing}`);
    const pictures = (by: string) => ran(python.path, ["-c", PICTURES, SCRIPT, by], "").at(-1) as Made[];
    const [own, pillow] = [pictures(setup), pictures("default")];
    for (const [i, [dtype, shape, values]] of own.entries()) {
      expect([dtype, shape]).toEqual(["torch.uint8", [3, 64, 64]]);
      const other = pillow[i]![2];
      const apart = values.reduce((sum, value, k) => sum + Math.abs(value - other[k]!), 0) / values.length;
      expect(apart).toBeLessThan(2); // levels; another augmentation is tens of them away
      expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(100);
    }
    // What is drawn has an effect: another picture is far away.
    const [first, second] = own.map(([, , values]) => values) as [number[], number[]];
    expect(
      first.reduce((sum, value, k) => sum + Math.abs(value - second[k]!), 0) / first.length,
    ).toBeGreaterThan(10);
  });
});

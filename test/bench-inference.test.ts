// `npm run bench -- inference`: our sides predict the same drawn crops from their files, and PyTorch gets the same probabilities of them.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { openInference } from "../bench/inference.ts";
import { findPython } from "../bench/peer.ts";
import type { Measured, Work } from "../bench/side.ts";

const WORK: Work = { model: "test_efficientnet", batch: 5, sizePx: 64, threads: 1, lowering: "plain" };
const FOLDER = join(tmpdir(), "facehand-bench-crops-test_efficientnet-5-64");
const SCRIPT = fileURLToPath(new URL("../bench/peer/inference.py", import.meta.url));

it("predicts chunk by chunk, int8 nearly as float32, PyTorch the same", {
  timeout: 300_000,
}, async (context) => {
  const own = await openInference(WORK);
  try {
    const int8 = await openInference(WORK, "int8");
    const steps: (readonly [Measured, Measured])[] = [];
    for (let k = 0; k < 2; k++) steps.push([(await own.step()) as Measured, (await int8.step()) as Measured]);
    await int8.close!();
    for (const [k, [float, quantised]] of steps.entries()) {
      const probabilities: number[] = JSON.parse(await readFile(join(FOLDER, `ours-${k}.json`), "utf8"));
      expect(probabilities).toHaveLength(WORK.batch);
      expect(float.result).toBeCloseTo(
        probabilities.reduce((sum, p) => sum + p, 0),
        9,
      );
      expect(Math.max(...probabilities) - Math.min(...probabilities)).toBeGreaterThan(0.1); // they depend on the picture
      expect(Math.abs(quantised.result - float.result)).toBeLessThan(0.1 * WORK.batch);
      expect(Math.min(float.ms, float.cpuMs!, float.peakMb)).toBeGreaterThan(0);
    }
    expect(steps[0]![0].result).not.toBe(steps[1]![0].result); // another chunk

    const python = findPython(undefined, undefined, "torch, timm, torchvision");
    if ("missing" in python) return context.skip(`no peer: ${python.missing}`);
    // It compares probabilities with ours itself, and fails where they are apart.
    const args = [SCRIPT, JSON.stringify(WORK), "default"];
    const peer = spawnSync(python.path, args, { encoding: "utf8", input: "step\nstep\n" });
    expect(peer.status, peer.stderr).toBe(0);
    const results = peer.stdout
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => (JSON.parse(line) as Measured).result);
    expect(results).toHaveLength(2);
    for (const [k, result] of results.entries())
      expect(Math.abs(result - steps[k]![0].result)).toBeLessThan(0.05 * WORK.batch);
  } finally {
    await own.close!();
  }
  expect(existsSync(FOLDER)).toBe(false);
});

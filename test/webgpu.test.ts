// The plain lowering on a WebGPU device, made by a software adapter (SwiftShader, which Chromium brings).
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ADAPTER, software } from "./software-adapter.ts";

const SIDE = fileURLToPath(new URL("webgpu-side.ts", import.meta.url));

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "facehand-webgpu-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(ADAPTER === undefined)(
  "WebGPU predicts and trains as the CPU does, and hands no operator back (needs Chromium's SwiftShader)",
  (context) => {
    const side = spawnSync(process.execPath, ["--import", "tsx", SIDE, folder], {
      encoding: "utf8",
      env: software(),
    });
    expect(side.status, side.stderr).toBe(0);
    const { state, cpu, webgpu, placed, trained, summed, ...more } = JSON.parse(side.stdout);
    const { placedStep, behindTrial } = more;
    if (!state.runs) return context.skip(`no WebGPU here: ${state.reason}`);
    expect(Object.keys(placed)).toEqual(["WebGpuExecutionProvider"]);
    expect(placed.WebGpuExecutionProvider).toContain("Conv");
    expect(Object.keys(placedStep)).toEqual(["WebGpuExecutionProvider"]);
    expect(placedStep.WebGpuExecutionProvider).toContain("ConvTranspose"); // of the gradient
    const flat = (rows: number[][]) => rows.flat();
    for (const [i, value] of flat(cpu).entries()) expect(flat(webgpu)[i]).toBeCloseTo(value, 4);
    for (const [wanted, got] of [trained, summed]) {
      expect(wanted.figures).toHaveLength(4);
      for (const [i, value] of wanted.figures.entries())
        expect(Math.abs(got.figures[i] / value - 1)).toBeLessThan(5e-3);
    }
    // Saved weights and averages are what the device made of them.
    const [wanted, got] = summed.map(({ sums }: { sums: number[][] }) => sums.flat());
    expect(wanted.length).toBeGreaterThan(100);
    for (const [i, value] of wanted.entries())
      expect(Math.abs(got[i] - value)).toBeLessThan(1e-4 * (1 + value));
    // State that is loaded anew is the state: nothing of steps before is left on the device.
    expect(behindTrial.figures).toEqual(trained[1].figures);
    expect(behindTrial.sums).toEqual(trained[1].sums);
    // State stays on the device: a step takes images and schedule, and gives loss, norm and log-odds.
    const pixels = 4 * 16 * 16 * 3;
    expect(trained[1].bytes.fromDevice).toBe((1 + 1 + 4) * 4);
    expect(trained[1].bytes.toDevice).toBeLessThan(pixels + 200);
    // Of two parts it takes the zeros of their sums too, and each part gives its loss and log-odds.
    expect(summed[1].bytes.fromDevice).toBe((2 * (1 + 4) + 1) * 4);
    expect(summed[1].bytes.toDevice).toBeLessThan(2 * pixels + 4 * summed[1].learnt + 400);
    expect(trained[0].bytes.fromDevice).toBeGreaterThan(12 * trained[0].learnt); // as on the CPU: weights, moments, averages
    expect(flat(cpu)[0]).not.toBeCloseTo(flat(cpu)[2]!, 6);
  },
  600_000,
);

// The plain lowering on a WebGPU device, made by a software adapter (SwiftShader, which Chromium brings).
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const ADAPTERS = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/usr/lib/chromium-browser/vk_swiftshader_icd.json",
  "/opt/google/chrome/vk_swiftshader_icd.json",
];
const adapter = ADAPTERS.find((path) => existsSync(path));
const SIDE = fileURLToPath(new URL("webgpu-side.ts", import.meta.url));

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "facehand-webgpu-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(adapter === undefined)(
  "WebGPU predicts and trains as the CPU does, and hands no operator back (needs Chromium's SwiftShader)",
  (context) => {
    const env = { ...process.env, VK_DRIVER_FILES: adapter!, VK_ICD_FILENAMES: adapter! };
    const side = spawnSync(process.execPath, ["--import", "tsx", SIDE, folder], { encoding: "utf8", env });
    expect(side.status, side.stderr).toBe(0);
    const { state, cpu, webgpu, placed, trained, placedStep } = JSON.parse(side.stdout);
    if (!state.runs) return context.skip(`no WebGPU here: ${state.reason}`);
    expect(Object.keys(placed)).toEqual(["WebGpuExecutionProvider"]);
    expect(placed.WebGpuExecutionProvider).toContain("Conv");
    expect(Object.keys(placedStep)).toEqual(["WebGpuExecutionProvider"]);
    expect(placedStep.WebGpuExecutionProvider).toContain("ConvTranspose"); // of the gradient
    const flat = (rows: number[][]) => rows.flat();
    for (const [i, value] of flat(cpu).entries()) expect(flat(webgpu)[i]).toBeCloseTo(value, 4);
    const [wanted, got] = trained as [number[], number[]];
    expect(wanted).toHaveLength(4);
    for (const [i, value] of wanted.entries()) expect(Math.abs(got[i]! / value - 1)).toBeLessThan(5e-3);
    expect(flat(cpu)[0]).not.toBeCloseTo(flat(cpu)[2]!, 6);
  },
  120_000,
);

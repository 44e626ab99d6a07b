// `derive` under faults: killed at random moments until it is done, and a disk that is full. Same bytes in the end.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeArgs, moduleOf } from "../../../test/process.ts";
import { laySample } from "../../../test/sample.ts";
import { Random } from "../../core/random.ts";
import { exists, sha256File } from "../../machine/files.ts";
import type { DeriveOptions } from "./options.ts";
import { derive } from "./pipeline.ts";

const root = await mkdtemp(join(tmpdir(), "facehand-faults-"));
const at = (name: string) => join(root, name);
const optionsTo = (outDir: string): DeriveOptions => ({
  hagridDir: at("raw"),
  gestures: "all",
  outDir,
  seed: 3,
  faceLandmarksFile: at("raw/face_landmarks.json"),
  sizePx: 64,
  handCrop: "box",
});
let reference: string[] = [];

async function treeOf(dir: string): Promise<string[]> {
  const found = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.sort().map(async (file) => `${file.slice(dir.length)} ${await sha256File(file)}`));
}

beforeAll(async () => {
  await laySample(at("raw"), { subjects: 14, framesPerSubject: 2, seed: 5 });
  await derive(optionsTo(at("reference")));
  reference = await treeOf(at("reference"));
});
afterAll(() => rm(root, { recursive: true }));

function start(options: DeriveOptions): {
  child: ChildProcess;
  ended: Promise<{ code: number | null; stderr: string }>;
} {
  const code = `
    const { derive } = await import(${moduleOf("derive/run/pipeline.ts")});
    console.log("begun");
    await derive(JSON.parse(process.argv[1])).catch((error) => { console.error(error.code, error.message); process.exit(3); });`;
  const child = spawn(process.execPath, codeArgs(code, JSON.stringify(options)), {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) => {
    child.on("close", (exit) => resolve({ code: exit, stderr }));
  });
  return { child, ended };
}

describe("derive", () => {
  it("ends with the same bytes however often it is killed at random", { timeout: 180_000 }, async () => {
    const random = Random.of(11);
    const out = at("killed");
    let kills = 0;
    for (let patienceMs = 80; ; patienceMs *= 1.6) {
      const { child, ended } = start(optionsTo(out));
      await new Promise((resolve) => child.stdout!.once("data", resolve)); // from here on it works
      const timer = setTimeout(() => child.kill("SIGKILL"), random.uniform(0, patienceMs));
      const { code } = await ended;
      clearTimeout(timer);
      if (code === 0) break;
      kills++;
      expect(code).toBe(null); // it never fails because of what a kill left
      expect(await exists(out)).toBe(false);
    }
    expect(kills).toBeGreaterThan(1);
    expect(await treeOf(out)).toEqual(reference);
  });

  const disk = at("disk");
  const mount = async (kib: number) => {
    await mkdir(disk, { recursive: true });
    return spawnSync("mount", ["-t", "tmpfs", "-o", `size=${kib}k`, "tmpfs", disk]).status === 0;
  };

  it("reports that the disk is full, and continues when there is room", { timeout: 120_000 }, async ({
    skip,
  }) => {
    if (process.platform !== "linux" || process.getuid?.() !== 0 || !(await mount(60))) {
      skip("only root on Linux can mount a small disk");
    }
    try {
      const out = join(disk, "pairs");
      await expect(derive(optionsTo(out))).rejects.toMatchObject({
        kind: "data",
        code: "WRITE_FAILED",
        message: expect.stringMatching(
          /^Expected to write .*\/pairs\.partial\/.*, got .*[Nn]o space left on device/,
        ),
        hint: "free some space there, or give a place on another disk, then run the same command again",
      });
      expect(await exists(out)).toBe(false);
      const names = await readdir(disk, { recursive: true });
      expect(names.filter((name) => name.endsWith(".tmp"))).toEqual([]);
      for (const kib of [90, 150, 210]) {
        spawnSync("mount", ["-o", `remount,size=${kib}k`, disk]);
        await expect(derive(optionsTo(out))).rejects.toMatchObject({ code: "WRITE_FAILED" });
      }
      spawnSync("mount", ["-o", "remount,size=64m", disk]);
      await derive(optionsTo(out));
      expect(await treeOf(out)).toEqual(reference);
    } finally {
      spawnSync("umount", ["--lazy", disk]);
    }
  });
});

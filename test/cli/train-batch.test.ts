// `train --batch auto`: what it prints and stores, that resuming asks nothing again, and what it refuses.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeJpeg } from "../../src/pixels/image.ts";
import { drawn } from "../parity/pixels.ts";
import { runCli } from "./run.ts";

const ONE_EACH = ["--threads", "1", "--workers", "1"];
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-batch-"));
  await mkdir(join(root, "faces"));
  const jpeg = await encodeJpeg(drawn(32, 32, "noise"));
  for (let i = 0; i < 30; i++) {
    const name = `${20 + i}_${i % 2}_0_2017010900${String(i).padStart(4, "0")}.jpg.chip.jpg`;
    await writeFile(join(root, "faces", name), jpeg);
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

const train = (...more: string[]) =>
  runCli(
    ...["train", "--arch", "umcc", "--tag", "test_efficientnet.none_F1_An_Lb_Z0", "--epochs", "1"],
    ...["--data", `utkface:${join(root, "faces")}`, "--image-size", "32", ...ONE_EACH, ...more],
  );

describe("train --batch auto", () => {
  it("stores the number that it chose, and resumes with it", { timeout: 120_000 }, async () => {
    const out = join(root, "run");
    const first = await train("--batch", "auto", "--memory", "8", "--out", out);
    expect(first.stderr).toMatch(/batch 24: about \d\.\d of 8\.0 GB \(\d\.\d GB at 8, \d\.\d GB at 16\)/);
    expect(first.code).toBe(0);
    expect(JSON.parse(await readFile(join(out, "config.json"), "utf8"))).toMatchObject({ batch: 24 });
    const again = await train("--batch", "auto", "--memory", "1", "--out", out, "--resume");
    expect(again.code).toBe(0);
    expect(again.stderr).not.toContain("measuring");
  });

  it("refuses --memory without it, no memory, too little, and other words", {
    timeout: 120_000,
  }, async () => {
    const out = ["--out", join(root, "none")];
    const refused = async (...flags: string[]) => {
      const { code, stderr } = await train(...flags, ...out);
      expect(code).toBe(2);
      return stderr;
    };
    expect(await refused("--memory", "4")).toContain('Expected --batch auto for --memory, got "nothing"');
    expect(await refused("--batch", "auto", "--memory", "0")).toContain(
      "Expected more than 0 GB for --memory",
    );
    expect(await refused("--batch", "many")).toContain("Expected a number for --batch");
    expect(await refused("--batch", "auto", "--memory", "0.01")).toContain(
      "for the memory of training (--memory)",
    );
  });
});

// examples/: what docs/walk.md and docs/python.md show is what they print. Figures of a trained model depend on the processor in their
// last digits, and with them which of them rest on too few subjects: they are compared as places.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { walkPage } from "../scripts/walk.mjs";
import { PROGRAM } from "../src/cli/version.ts";
import { runPython } from "./python.ts";
import { readIfThere } from "./source.ts";

let dir = "";
let page = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "facehand-walk-"));
  page = walkPage(dir);
});
afterAll(() => rmSync(dir, { recursive: true }));

const FIGURE = /-?\d+\.\d+\*?( +\[[^\]]*\])?|\btoo small\b|\b\d+ of \d+\b|(?<= )-(?= |$)/gm;

/** The page without what depends on the processor. */
const withoutFigures = (text: string) =>
  text
    .replace(/^gesture, hands[\s\S]*?(?=^```)/m, "(groups)\n")
    .replace(FIGURE, "#")
    .replace(/ +/g, " ");

describe("examples/walk.mts", () => {
  it("prints what docs/walk.md shows (else: node scripts/walk.mjs)", () => {
    const shown = readIfThere("docs/walk.md")!;
    expect(withoutFigures(page)).toBe(withoutFigures(shown));
    expect(shown.match(FIGURE)!.length).toBeGreaterThan(40); // they are masked, and there
  });
});

describe("examples/from_python.py", () => {
  it("is what docs/python.md shows", () => {
    const code = readFileSync("examples/from_python.py", "utf8");
    const blocks = [...readIfThere("docs/python.md")!.matchAll(/^```python\n([\s\S]*?)^```/gm)].map(
      ([, block]) => block!,
    );
    expect(blocks.length).toBe(code.split(/^# %% /m).length - 1);
    for (const block of blocks) expect(code).toContain(block);
  });

  it("reads pairs, predictions, model and weights (needs Python with datasets, onnxruntime, timm and torch)", (context) => {
    const walk = join(dir, "walk");
    const { status, stderr } = spawnSync(
      process.execPath,
      [PROGRAM, "model", "convert", join(walk, "umcc"), "--out", join(walk, "umcc.pt")],
      { encoding: "utf8" },
    );
    expect(status, stderr).toBe(0);
    const ran = runPython("examples/from_python.py", walk);
    if (ran === undefined) return context.skip("no Python has datasets, pandas, onnxruntime, timm and torch");
    expect(ran.status, ran.stderr).toBe(0);
    expect(ran.stdout).toMatch(/^\d+ test pairs; .*, face \(96, 96\), hand \(96, 96\)$/m);
    expect(ran.stdout).toMatch(/^\d+ images again: p\(male\) differs by at most \de-0[5-9]$/m);
    expect(ran.stdout).toMatch(/^\d+ tensors are timm's; beside them \['/m);
  });
});

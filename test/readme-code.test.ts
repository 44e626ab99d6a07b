// The TypeScript of README.md: all of it compiles against the public API, and the minimal example runs.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DATASET_NAME } from "../src/dataset/layout.ts";
import { drawSample } from "../src/drawn/sample.ts";
import { aPair, layPairs } from "./dataset.ts";
import { codeArgs, moduleOf, typesOf } from "./process.ts";
import { ROOT, readIfThere } from "./source.ts";
import { writeTiny } from "./tiny-model.ts";

const SNIPPETS = [...readIfThere("README.md")!.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((m) => m[1]!);

/** Runs a snippet on this package, in a process of its own. */
function runSnippet(code: string) {
  const own = code.replace('"facehand"', moduleOf("index.ts"));
  const { code: script } = transformSync(own, { loader: "ts", format: "esm", target: "node20" });
  return spawnSync(process.execPath, codeArgs(script), { cwd: ROOT, encoding: "utf8" });
}

let dir = "";
beforeAll(() => {
  // Inside the checkout, so that packages and types are found; git ignores it.
  mkdirSync(join(ROOT, "cache"), { recursive: true });
  dir = mkdtempSync(join(ROOT, "cache", "readme-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe("README's TypeScript", () => {
  it("is there", () => expect(SNIPPETS.length).toBeGreaterThanOrEqual(3));

  it("compiles", () => {
    SNIPPETS.forEach((code, i) => {
      writeFileSync(join(dir, `snippet-${i}.ts`), `${code}export {};\n`);
    });
    const options = {
      extends: "../../tsconfig.json",
      include: ["."],
      compilerOptions: {
        paths: {
          facehand: [`../../${typesOf("index.ts")}`],
          "facehand/predict": [`../../${typesOf("predict/index.ts")}`],
          "facehand/evaluate": [`../../${typesOf("evaluate/index.ts")}`],
        },
      },
    };
    writeFileSync(join(dir, "tsconfig.json"), JSON.stringify(options));
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", dir], { cwd: ROOT, encoding: "utf8" });
    const ours = stdout.split("\n").filter((line) => line.includes("snippet-"));
    expect(ours).toEqual([]);
    expect(status, stdout).toBe(0);
  });

  it("prints of a dataset what upstream's minimal example prints", async () => {
    const root = mkdtempSync(join(tmpdir(), "facehand-readme-"));
    const data = join(root, "data", DATASET_NAME);
    await layPairs(data, {
      train: [aPair("a", "u1"), aPair("b", "u2", { gender: "female" })],
      val: [aPair("c", "u3")],
      test: [],
    });
    const code = SNIPPETS[0]!;
    expect(code).toContain(`"data/${DATASET_NAME}"`);
    const { status, stdout, stderr } = runSnippet(
      code.replace(`"data/`, `"${root.replaceAll("\\", "/")}/data/`),
    );
    rmSync(root, { recursive: true });
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^2 training samples\n/);
    expect(stdout).toContain("'H_b.jpg'");
    const images = join(data, "images", "content", "aligned_dataset");
    expect(stdout.trimEnd().split("\n").at(-1)).toBe(
      `${join(images, "hands", "H_a.jpg")} ${join(images, "faces", "F_a.jpg")}`,
    );
  });

  it("predicts a photo", async () => {
    const root = mkdtempSync(join(tmpdir(), "facehand-readme-"));
    await writeTiny(join(root, "mag.safetensors"));
    await drawSample(join(root, "raw"), { subjects: 2, framesPerSubject: 1 });
    const photo = readdirSync(join(root, "raw"), { recursive: true, encoding: "utf8" }).find((name) =>
      name.endsWith(".jpg"),
    )!;
    const code = SNIPPETS.find((one) => one.includes("predictPhoto"))!
      .replace('"runs/mag"', JSON.stringify(join(root, "mag.safetensors")))
      .replace('"photo.jpg"', JSON.stringify(join(root, "raw", photo)));
    const { status, stdout, stderr } = runSnippet(code);
    rmSync(root, { recursive: true });
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^(hand|face) 0\.\d+\n/);
  });
});

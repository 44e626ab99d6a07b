// `facehand model fetch`, and `train --weights timm:NAME`, against a server that behaves like the hub.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Random } from "../../src/core/random.ts";
import { imagePath, planLayout } from "../../src/dataset/layout.ts";
import { readCheckpoint } from "../../src/engine/checkpoint-file.ts";
import { initialise } from "../../src/engine/params.ts";
import { encodeSafetensors } from "../../src/formats/safetensors.ts";
import { modelGraph } from "../../src/models/facts.ts";
import { exportTensors } from "../../src/models/files/weights.ts";
import { encodeJpeg } from "../../src/pixels/image.ts";
import { declaredSpecs } from "../../src/train/step/graph.ts";
import { aPair, layPairs } from "../dataset.ts";
import { type Hub, hashOf, startHub } from "../hub.ts";
import { runCli } from "./run.ts";

const NAME = "test_efficientnet.r160_in1k";
const BASE = `/timm/${NAME}/resolve/main`;
const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const config = (norm: object) => {
  const own = { input_size: [3, 160, 160], interpolation: "bicubic", crop_pct: 0.95, ...norm };
  return new TextEncoder().encode(JSON.stringify({ architecture: "test_efficientnet", pretrained_cfg: own }));
};

let hub: Hub;
let dir = "";
let weights: Uint8Array;
beforeAll(async () => {
  hub = await startHub();
  dir = await mkdtemp(join(tmpdir(), "facehand-model-"));
  const arch = { arch: "umcc", backbone: "test_efficientnet", flag: false, gating: null } as const;
  const specs = declaredSpecs(modelGraph(arch), 32).filter(({ name }) => name.startsWith("backbone."));
  const bare = exportTensors(specs, initialise(specs, Random.of(7)));
  weights = encodeSafetensors(bare.map((t) => ({ ...t, name: t.name.slice("backbone.".length) })));
  hub.files.set(`${BASE}/model.safetensors`, weights);
  hub.files.set(`${BASE}/config.json`, config(half));
  vi.stubEnv("HF_ENDPOINT", hub.endpoint);
  vi.stubEnv("XDG_CACHE_HOME", join(dir, "cache"));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  await rm(dir, { recursive: true });
});

describe("facehand model fetch", () => {
  it("says what it fetched and how to use it", async () => {
    const out = join(dir, "own");
    const { code, stdout, stderr } = await runCli("model", "fetch", NAME, "--out", out);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.split("\n").slice(0, 4)).toEqual([
      `${NAME}  ${(weights.byteLength / 1e6).toFixed(1)} MB  SHA-256 ${hashOf(weights)}`,
      `weights  ${out}/model.safetensors`,
      "pixels   160 px bicubic, center crop 0.95, mean 0.5 0.5 0.5, std 0.5 0.5 0.5",
      `use      facehand train --weights ${out}/model.safetensors --pixels inception ...`,
    ]);
  });

  it("prints JSON", async () => {
    const { code, stdout } = await runCli("model", "fetch", NAME, "--json");
    expect(code).toBe(0);
    const { name, sha256, config: recipe } = JSON.parse(stdout);
    expect([name, sha256, recipe.interpolation]).toEqual([NAME, hashOf(weights), "bicubic"]);
  });

  it("distinguishes remote faults from mistakes and from what is missing offline", async () => {
    const absent = await runCli("model", "fetch", "tf_efficientnetv2_s.in1k");
    expect(absent.code).toBe(4);
    expect(absent.stderr).toMatch(/^Expected a file at http.*, got 404 Not Found\nTry: search for timm\//);
    const offline = await runCli("model", "fetch", "tf_efficientnetv2_s.in1k", "--offline");
    expect(offline.code).toBe(3);
    expect((await runCli("model", "fetch", "tf_efficientnetv2_s")).code).toBe(2);
  });
});

describe("facehand train --weights timm:NAME", () => {
  const data = () => join(dir, "pairs");
  const flags = (...more: string[]) =>
    runCli(
      ...["train", "--arch", "umcc", "--tag", `${NAME}_F0_An_Lb_Z2`, "--data", `pairs:${data()}`],
      ...["--image-size", "32", "--batch", "2", "--epochs", "1", "--workers", "1", "--threads", "1", ...more],
    );

  it("fetches the weights and takes their pixels", async () => {
    const genders = ["male", "female"] as const;
    const pairs = [0, 1, 2, 3].map((i) => aPair(`p${i}`, `u${i}`, { gender: genders[i % 2]! }));
    await layPairs(data(), { train: pairs.slice(0, 2), val: pairs.slice(2), test: [] });
    const pixels = { width: 32, height: 32, data: new Uint8Array(32 * 32 * 3).map((_, i) => (7 * i) % 256) };
    for (const { handImage, faceImage } of pairs) {
      await writeFile(imagePath(planLayout(data()), "hand", handImage), await encodeJpeg(pixels));
      await writeFile(imagePath(planLayout(data()), "face", faceImage), await encodeJpeg(pixels));
    }
    const run = join(dir, "run");
    const { code, stderr } = await flags("--weights", `timm:${NAME}`, "--out", run);
    expect(code, stderr).toBe(0);
    const stored = JSON.parse(await readFile(join(run, "config.json"), "utf8"));
    expect(JSON.stringify(stored)).toContain('"pixels":"inception"');
    const trained = await readCheckpoint(join(run, "checkpoints", "best.safetensors"));
    const scope = { arch: "umcc", backbone: "test_efficientnet", flag: false, gating: null } as const;
    const [first] = declaredSpecs(modelGraph(scope), 32);
    const frozen = initialise([first!], Random.of(7)).get(first!.name);
    expect(trained.weights.get(first!.name)).toEqual(frozen);
  });

  it("asks for --pixels where the weights' own have no name", async () => {
    hub.files.set(`${BASE}/config.json`, config({ mean: [0.1, 0.2, 0.3], std: [1, 1, 1] }));
    vi.stubEnv("XDG_CACHE_HOME", join(dir, "other-cache"));
    const out = join(dir, "none");
    const { code, stderr } = await flags("--weights", `timm:${NAME}`, "--out", out);
    expect(code).toBe(2);
    expect(stderr).toContain(
      `Expected a mean and std of raw, imagenet, inception for the pixels of ${NAME}, got {"mean":[0.1,0.2,0.3],"std":[1,1,1]}\nTry: choose the nearest by --pixels`,
    );
  });
});

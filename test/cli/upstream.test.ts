// `facehand predict upstream:NAME`: a published checkpoint is fetched, converted, cached and asked in one go. The
// stand-ins have upstream's names and shapes, and random weights: the real ones are not part of this project.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Random } from "../../src/core/random.ts";
import { sizeOf } from "../../src/engine/graph.ts";
import { initialise, type ParamSpec, type Weights } from "../../src/engine/params.ts";
import { PUBLISHED } from "../../src/fetch/published.ts";
import { type ModelFacts, modelGraph } from "../../src/models/facts.ts";
import { exportStateDict } from "../../src/models/files/weights.ts";
import { encodePng } from "../../src/pixels/image.ts";
import { upstreamModel } from "../../src/train/exchange/upstream.ts";
import { declaredSpecs } from "../../src/train/step/graph.ts";
import { hashOf } from "../hub.ts";
import { runCli } from "./run.ts";

const UMCC_FILE = PUBLISHED.checkpoints.bestUmcc.name;
const MAG_FILE = PUBLISHED.checkpoints.bestMag.name;
let dir = "";
const at = (...names: string[]) => join(dir, ...names);

/** Values that every tensor repeats: drawing 20 million takes longer than all that is tested here. */
const DRAWN = 4093;

/** Weights as they begin, each tensor's first values again and again. */
function weightsOf(specs: readonly ParamSpec[]): Weights {
  const short = specs.map((spec) => ({ ...spec, shape: [Math.min(DRAWN, sizeOf(spec.shape))] }));
  const drawn = initialise(short, Random.of(5));
  return new Map(
    specs.map(({ name, shape }) => {
      const values = new Float32Array(sizeOf(shape));
      values.set(drawn.get(name)!);
      for (let done = DRAWN; done < values.length; done *= 2) values.copyWithin(done, 0, done);
      return [name, values] as const;
    }),
  );
}

/** A state dict as upstream would have published it. */
async function publish(arch: "umcc" | "mag", flag: boolean, name: string): Promise<void> {
  const gating = arch === "mag" ? ("soft" as const) : null;
  const facts: Pick<ModelFacts, "arch" | "backbone" | "flag" | "gating"> = {
    ...{ arch, flag, gating, backbone: "tf_efficientnetv2_s" },
  };
  const specs = declaredSpecs(modelGraph(facts), 224);
  await exportStateDict(at("models", name), specs, weightsOf(specs));
}

/** Hash of what `model convert` makes of the same file when it is given the tag. */
async function convertedHash(file: string, arch: string, tag: string): Promise<string> {
  const out = at("converted.safetensors");
  const { code, stderr } = await runCli(
    ...["model", "convert", at("models", file), "--arch", arch, "--tag", tag, "--out", out],
  );
  expect(code, stderr).toBe(0);
  return hashOf(await readFile(out));
}

const predict = (name: string, ...more: string[]) =>
  runCli("predict", `upstream:${name}`, at("hand.png"), "--json", ...more);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-upstream-"));
  await mkdir(at("models"));
  vi.stubEnv("XDG_CACHE_HOME", at("cache"));
  const data = Uint8ClampedArray.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7) % 256);
  await writeFile(at("hand.png"), await encodePng({ width: 64, height: 64, data }));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

describe("facehand predict upstream:NAME", () => {
  it("best-umcc: the width of its classifier decides over F0 and F1, not the tag in upstream's README", async () => {
    await publish("umcc", false, UMCC_FILE);
    const { code, stdout, stderr } = await predict("best-umcc", "--mirror", at("models"));
    expect([code, stderr]).toEqual([0, ""]);
    const tag = "tf_efficientnetv2_s.in1k_F0_Af_Lf_Z0";
    const { model, predictions } = JSON.parse(stdout);
    expect(model).toMatchObject({ arch: "umcc", tag });
    expect(predictions[0].probability).toBeGreaterThan(0);
    const path = at("cache", "facehand", "upstream", "best-umcc", "model.safetensors");
    expect(hashOf(await readFile(path))).toBe(await convertedHash(UMCC_FILE, "umcc", tag));
  });

  it("is taken from the cache, where nobody is asked; a damaged conversion is made again", async () => {
    await rm(at("models", UMCC_FILE));
    const steps: string[] = [];
    const find = () => upstreamModel("best-umcc", { onStep: (text) => steps.push(text) });
    const path = await find();
    const before = hashOf(await readFile(path));
    await writeFile(path, "damaged");
    expect(hashOf(await readFile(await find()))).toBe(before);
    expect(steps).toEqual([`checking ${UMCC_FILE}`, `checking ${UMCC_FILE}`, `converting ${UMCC_FILE}`]);
  });

  it("best-umcc with the flag, and best-mag, whose tag names gating and seed", async () => {
    await publish("umcc", true, UMCC_FILE);
    const flagged = await upstreamModel("best-umcc", { dir: at("f1"), mirror: at("models") });
    const wanted = await convertedHash(UMCC_FILE, "umcc", "tf_efficientnetv2_s.in1k_F1_Af_Lf_Z0");
    expect(hashOf(await readFile(flagged))).toBe(wanted);
    await publish("mag", false, MAG_FILE);
    const { code, stdout, stderr } = await predict("best-mag", "--mirror", at("models"));
    expect([code, stderr]).toEqual([0, ""]);
    const { model, predictions } = JSON.parse(stdout);
    expect(model.tag).toBe("tf_efficientnetv2_s.in1k_F0_Af_Lb_Z0_gating=soft_seed42");
    expect(predictions[0].gateHand).toBeGreaterThan(0);
  });

  it("refuses other names, and --mirror without one", async () => {
    const other = await predict("best");
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(
      /^Expected upstream:best-umcc or upstream:best-mag for the model, got "upstream:best"/,
    );
    const path = await runCli("predict", "x.safetensors", at("hand.png"), "--mirror", at("models"));
    expect(path.stderr).toMatch(/^Expected a checkpoint of upstream:\.\.\. for --mirror, got "other flags"/);
  });
});

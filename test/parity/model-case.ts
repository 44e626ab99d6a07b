// One case of goldens/models (made by models.py): a whole model against timm and torch in float64: logits, loss,
// every gradient, running statistics. Tolerances are those of issue 1, an order above torch's own float32 errors.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { gradients } from "../../src/engine/gradients.ts";
import type { Value } from "../../src/engine/graph.ts";
import { input } from "../../src/engine/ops.ts";
import { Declarations, type Mode } from "../../src/engine/params.ts";
import { backbone } from "../../src/models/backbones/registry.ts";
import { MODALITY_WEIGHT, sampleWeights, trainingLoss } from "../../src/models/losses.ts";
import { type Gating, mag } from "../../src/models/mag.ts";
import type { BackboneOptions, ModelGraph } from "../../src/models/model.ts";
import { umcc } from "../../src/models/umcc.ts";
import { type Arrays, runGraph } from "../run-graph.ts";
import { hashNoise, hashPixels, hashWeight, projected, steeredBias } from "./hash.ts";

interface Case extends BackboneOptions {
  readonly arch: "umcc" | "mag";
  readonly backbone: string;
  readonly n: number;
  readonly size: number;
  readonly flags: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly flag?: boolean;
  readonly gating?: Gating;
  readonly loss: "b" | "f" | "w";
  readonly posWeight?: number;
  readonly frozen?: readonly string[];
  readonly forwardOnly?: boolean;
  readonly shifts?: Readonly<Record<string, string>>;
}

/** Largest magnitude, sum of squares, product with the hash of the name, then index and value in turn. */
type Summary = readonly number[];

export interface Golden {
  readonly case: Case;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly grads: Readonly<Record<string, Summary>>;
  readonly stats: Readonly<Record<string, Summary>>;
}

/** One file of goldens/models. */
export function readGolden(name: string): Golden {
  return JSON.parse(readFileSync(new URL(`./goldens/models/${name}.json`, import.meta.url), "utf8"));
}

function modelOf(c: Case): ModelGraph {
  // timm's default is no dropout; UMCC's own default is upstream's.
  const options = { ...c, dropRate: c.dropRate ?? 0 };
  return c.arch === "umcc"
    ? umcc({ backbone: backbone(c.backbone), flag: c.flag === true, options })
    : mag({ backbone: backbone(c.backbone), gating: c.gating!, options });
}

function frozenRule({ frozen = [] }: Case) {
  return (name: string) => frozen.some((part) => `${name}.`.startsWith(`backbone.${part}.`));
}

/** Builds the model in a mode, with everything it needs to run from the hash. */
function build(c: Case, mode: Mode) {
  const values = new Map<string, Value>();
  const scope = new Declarations({
    mode,
    frozen: frozenRule(c),
    resolve: (spec) => {
      const value = input(spec.name, spec.shape);
      values.set(spec.name, value);
      return value;
    },
  });
  const pixels = input("pixels", [c.n, 3, c.size, c.size]);
  const flag = input("flag", [c.n, 2]);
  const outputs = modelOf(c)(scope, { pixels, flag });
  return { scope, values, outputs, flag };
}

function feedsOf(c: Case, scope: Declarations): Record<string, Float32Array> {
  const feeds: Record<string, Float32Array> = {
    pixels: hashPixels("pixels", c.n, c.size),
    flag: Float32Array.from(c.flags.flat()),
    labels: Float32Array.from(c.labels),
    weights: sampleWeights(c.labels, c.n, c.posWeight),
    focal: Float32Array.of(c.loss === "f" ? 1 : 0),
    modalityWeights: sampleWeights(c.labels).map((w) => MODALITY_WEIGHT * w),
  };
  for (const [name, { shape }] of scope.specs) {
    const digits = c.shifts?.[name];
    feeds[name] = digits === undefined ? hashWeight(name, shape) : steeredBias(name, digits);
  }
  for (const { name, shape, keep } of scope.noises) feeds[name] = hashNoise(name, shape, keep);
  return feeds;
}

async function train(
  c: Case,
): Promise<{ results: Arrays; feeds: Arrays; trained: string[]; scope: Declarations }> {
  const { scope, values, outputs, flag } = build(c, "train");
  const frozen = frozenRule(c);
  const trained = [...scope.specs.values()]
    .filter((spec) => spec.kind === "parameter" && !frozen(spec.name))
    .map((spec) => spec.name);
  const wanted: Record<string, Value> = { logits: outputs.logits };
  for (const [name, next] of scope.updates) wanted[`next:${name}`] = next;
  if (outputs.gateLogits !== undefined) wanted["gateLogits"] = outputs.gateLogits;
  if (c.forwardOnly !== true) {
    const loss = trainingLoss(outputs, {
      labels: input("labels", [c.n]),
      weights: input("weights", [c.n]),
      focal: input("focal", []),
      flag,
      modalityWeights: input("modalityWeights", [c.n]),
    });
    wanted["loss"] = loss;
    const grads = gradients(
      loss,
      trained.map((name) => values.get(name)!),
    );
    trained.forEach((name, i) => {
      wanted[`grad:${name}`] = grads[i]!;
    });
  }
  const feeds = feedsOf(c, scope);
  const results = await runGraph(wanted, feeds, "cpu", "disabled"); // as train/step/compile loads it
  return { results, feeds, trained, scope };
}

/** Logits in evaluation with the statistics that training left. */
async function evaluate(c: Case, trained: { results: Arrays; feeds: Arrays }): Promise<Float32Array> {
  const { outputs } = build(c, "eval");
  const feeds: Record<string, Float32Array | Uint8Array> = { ...trained.feeds };
  for (const [name, data] of Object.entries(trained.results)) {
    if (name.startsWith("next:")) feeds[name.slice("next:".length)] = data;
  }
  return (await runGraph({ logits: outputs.logits }, feeds))["logits"]!;
}

/** Largest difference relative to the golden's largest magnitude. */
function relative(actual: ArrayLike<number>, golden: readonly number[]): number {
  expect(actual.length).toBe(golden.length);
  const top = Math.max(...golden.map(Math.abs));
  return Math.max(...golden.map((v, i) => Math.abs(v - actual[i]!))) / top;
}

/** Worst of: sampled values, norm, and a random projection, each relative to `scale` as one element would be. */
function summaryError(name: string, data: ArrayLike<number>, golden: Summary, scale: number): number {
  const [, squares, dot, ...samples] = golden as [number, number, number, ...number[]];
  let worst = 0;
  for (let i = 0; i < samples.length; i += 2) {
    worst = Math.max(worst, Math.abs(data[samples[i]!]! - samples[i + 1]!) / scale);
  }
  const found = projected(data, `probe/${name}`);
  const root = Math.sqrt(data.length);
  const norm = Math.abs(Math.sqrt(found.squares) - Math.sqrt(squares)) / root / scale;
  return Math.max(worst, norm, Math.abs(found.product - dot) / root / scale);
}

const worstOf = (errors: Iterable<readonly [string, number]>) =>
  [...errors].reduce((a, b) => (b[1] > a[1] || Number.isNaN(b[1]) ? b : a), ["", 0] as const);

/** The tests of one case, to be called inside of `describe`. */
export function testCase(name: string): void {
  const golden = readGolden(name);
  const c = golden.case;
  // Made by the first test that asks: cases that are filtered out cost nothing.
  let made: ReturnType<typeof train> | undefined;
  const trained = () => {
    made ??= train(c);
    return made;
  };

  it("gives timm's logits in training and evaluation, and the loss", async () => {
    const once = await trained();
    const { results } = once;
    const errors = Object.entries(golden.outputs)
      .filter(([key]) => key !== "evalLogits")
      .map(([key, values]) => [key, relative(results[key]!, values)] as const);
    const evalError = relative(await evaluate(c, once), golden.outputs["evalLogits"]!);
    const [key, worst] = worstOf([...errors, ["evalLogits", evalError]]);
    expect(worst, key).toBeLessThan(1e-4);
  });

  if (c.forwardOnly) return; // these goldens hold outputs only

  it("gives torch's gradient of every parameter that learns", async () => {
    const { results, trained: names } = await trained();
    expect(names).toEqual(Object.keys(golden.grads));
    const top = Math.max(...Object.values(golden.grads).map(([max]) => max!));
    const errors = Object.entries(golden.grads).map(([key, summary]) => {
      const data = results[`grad:${key}`]!;
      // A tensor whose exact gradient is zero (a bias before BatchNorm) holds rounding noise: at most 1e-5 of
      // the model's largest gradient.
      const scale = summary[0]! < 1e-9 * top ? 1e-2 * top : summary[0]!;
      return [key, summaryError(key, data, summary, scale)] as const;
    });
    const [key, worst] = worstOf(errors);
    expect(worst, key).toBeLessThan(1e-3);
  });

  it("leaves torch's running statistics", async () => {
    const { results, feeds, scope } = await trained();
    const buffers = [...scope.specs.values()].filter((spec) => spec.kind === "buffer");
    expect(buffers.map((spec) => spec.name)).toEqual(Object.keys(golden.stats));
    const errors = Object.entries(golden.stats).map(([key, summary]) => {
      const data = results[`next:${key}`] ?? feeds[key]!;
      return [key, summaryError(key, data, summary, summary[0]!)] as const;
    });
    const [key, worst] = worstOf(errors);
    expect(worst, key).toBeLessThan(1e-4);
  });
}

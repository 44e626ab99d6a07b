import { describe, expect, it } from "vitest";
import { Random } from "../core/random.ts";
import {
  Declarations,
  initialise,
  type ParamSpec,
  packParams,
  packWeights,
  unpackWeights,
} from "./params.ts";

const spec = (name: string, shape: number[], more: Partial<ParamSpec> = {}): ParamSpec => ({
  name,
  shape,
  kind: "parameter",
  decay: shape.length > 1,
  init: { kind: "normal", std: 1 },
  ...more,
});

const SPECS = [
  spec("a.weight", [3, 2]),
  spec("a.bias", [3]),
  spec("big.weight", [128, 128]),
  spec("b.weight", [2, 2]),
  spec("b.bias", [2]),
];

describe("initialise", () => {
  it("draws by name, whatever the order", () => {
    const forwards = initialise(SPECS, Random.of(1));
    const backwards = initialise([...SPECS].reverse(), Random.of(1));
    for (const { name } of SPECS) expect(backwards.get(name)).toEqual(forwards.get(name));
    expect(initialise(SPECS, Random.of(2)).get("a.bias")).not.toEqual(forwards.get("a.bias"));
    expect(forwards.get("a.bias")).not.toEqual(forwards.get("b.bias"));
  });

  it("draws from the distribution asked for", () => {
    const draw = (init: ParamSpec["init"]) =>
      initialise([spec("w", [20_000], { init })], Random.of(3)).get("w")!;
    const mean = (v: Float32Array) => v.reduce((a, b) => a + b, 0) / v.length;
    const variance = (v: Float32Array) => mean(v.map((a) => a * a)) - mean(v) ** 2;
    expect(new Set(draw({ kind: "constant", value: 0.5 }))).toEqual(new Set([0.5]));
    expect(variance(draw({ kind: "normal", std: 2 }))).toBeCloseTo(4, 0);
    const uniform = draw({ kind: "uniform", bound: 3 });
    expect(variance(uniform)).toBeCloseTo(3, 0);
    expect(Math.max(...uniform.map(Math.abs))).toBeLessThanOrEqual(3);
    const truncated = draw({ kind: "truncatedNormal", std: 1 });
    expect(Math.max(...truncated.map(Math.abs))).toBeLessThanOrEqual(2);
    expect(variance(truncated)).toBeCloseTo(0.774, 1); // of a normal cut at two deviations
  });
});

describe("packs", () => {
  const packs = packParams(SPECS, "p");

  it("keep large tensors alone and small ones together by decay", () => {
    const short = packs.map(({ name, length, decay }) => ({ name, length, decay }));
    expect(short).toEqual([
      { name: "p:big.weight", length: 128 * 128, decay: true },
      { name: "p:small", length: 5, decay: false },
      { name: "p:small-decay", length: 10, decay: true },
    ]);
  });

  it("keep small tensors apart whose rates differ", () => {
    const apart = packParams(SPECS, "p", (name) => (name.startsWith("b") ? 0.5 : 1));
    const found = apart.map(({ name, rate, members }) => [name, rate, members.map(({ spec }) => spec.name)]);
    expect(found).toEqual([
      ["p:big.weight", 0.5, ["big.weight"]],
      ["p:small", 1, ["a.bias"]],
      ["p:small-decay", 1, ["a.weight"]],
      ["p:small-decay-x0.5", 0.5, ["b.weight"]],
      ["p:small-x0.5", 0.5, ["b.bias"]],
    ]);
  });

  it("hold every tensor once and give it back", () => {
    const weights = initialise(SPECS, Random.of(4));
    const back = new Map<string, Float32Array>();
    for (const pack of packs) unpackWeights(packWeights(weights, pack), pack, back);
    expect(new Map([...back].sort())).toEqual(new Map([...weights].sort()));
  });

  it("refuse missing and misshapen weights", () => {
    const weights = initialise(SPECS, Random.of(4));
    weights.set("a.bias", new Float32Array(4));
    expect(() => packWeights(weights, packs[1]!)).toThrow("Expected 3 values for a.bias, got 4");
    weights.delete("a.bias");
    expect(() => packWeights(weights, packs[1]!)).toThrow("Expected 3 values for a.bias, got undefined");
  });
});

describe("Declarations", () => {
  it("remember parameters and buffers in order, decay by rank unless given", () => {
    const scope = new Declarations({ mode: "train" });
    const init = { kind: "constant", value: 1 } as const;
    scope.param("w", [2, 2], init);
    scope.param("b", [2], init);
    scope.param("token", [1, 2], init, { decay: false });
    scope.buffer("running_mean", [2], 0);
    const made = [...scope.specs.values()].map(({ name, kind, decay }) => [name, kind, decay]);
    expect(made).toEqual([
      ["w", "parameter", true],
      ["b", "parameter", false],
      ["token", "parameter", false],
      ["running_mean", "buffer", false],
    ]);
  });

  it("refuse a second declaration of a name", () => {
    const scope = new Declarations({ mode: "train" });
    scope.buffer("n", [1], 0);
    expect(() => scope.buffer("n", [1], 0)).toThrow("Expected one declaration of n, got two");
  });
});

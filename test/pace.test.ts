// The time to an accuracy: when a curve reaches a level, ratios with their intervals, and what documents show of them.
import { describe, expect, it } from "vitest";
import { cpuSeconds, parseStat } from "../bench/cpu.ts";
import {
  epochRatio,
  epochSeconds,
  isFull,
  leftOut,
  levelOf,
  meanPoints,
  type PaceCurve,
  type Paced,
  ratioInterval,
  reachedAt,
  seedsAt,
  strongest,
  timeTo,
} from "../bench/pace.ts";
import { contendersOf } from "../bench/to-accuracy.ts";
import { type PaceRow, paceFigures, paceSection } from "../bench/to-accuracy-table.ts";

const curve = (seed: number, ...points: readonly (readonly [s: number, value: number])[]): PaceCurve => ({
  seed,
  points: points.map(([s, value]) => ({ s, cpuS: 2 * s, value })),
});

const paced = (one: Partial<Paced>, ...curves: readonly PaceCurve[]): Paced => ({
  ...{ side: "here", recipe: "plain", versions: {} },
  ...one,
  curves,
});

const OURS = paced({}, curve(1, [5, 0.6], [10, 0.9], [15, 0.8]), curve(2, [6, 0.7], [12, 0.7], [18, 0.8]));
const PEER = paced(
  { side: "PyTorch", setup: "channels_last", pictures: "kept", versions: { torch: "2.1.0+cu1" } },
  curve(1, [10, 0.5], [20, 0.8], [30, 0.9]),
  curve(2, [10, 0.5], [20, 0.6], [36, 0.9]),
);
const BEST = paced({ side: "PyTorch", recipe: "best", setup: "channels_last" }, curve(1, [12, 0.9], [24, 1]));
const NATIVE = paced(
  { kernels: "native" },
  curve(1, [4, 0.6], [8, 0.9], [12, 0.5]),
  curve(2, [4, 0.7], [9, 0.7]),
);
const REDUCED = paced({ side: "PyTorch", setup: "bf16" }, curve(1, [1, 0.1]), curve(2, [1, 0.1]));

describe("the time to a level", () => {
  it("is that of the first epoch which is as good, not of the best, and none where none is", () => {
    const { points } = OURS.curves[0]!;
    expect([0.6, 0.61, 0.8, 0.9, 0.91].map((level) => reachedAt(points, level))).toEqual([
      ...[5, 10, 10, 10, null],
    ]);
  });

  it("is to what plain settings reach at their end in full precision, on the side that ends lower", () => {
    expect(levelOf([OURS, PEER, BEST, REDUCED])).toBeCloseTo(0.8, 12);
    expect(levelOf([PEER, BEST, REDUCED])).toBeCloseTo(0.9, 12);
  });

  it("is not to what kernels reach, which are float32's too but an option", () => {
    expect([OURS, NATIVE, PEER, REDUCED].map(isFull)).toEqual([true, true, true, false]);
    expect(levelOf([PEER, NATIVE])).toBeCloseTo(0.9, 12);
  });

  it("is that of the mean over seeds, which its last epoch always reaches", () => {
    expect(meanPoints(OURS.curves).map(({ s, value }) => [s, Number(value.toFixed(3))])).toEqual([
      [5.5, 0.65],
      [11, 0.8],
      [16.5, 0.8],
    ]);
    expect([timeTo(0.8, OURS), timeTo(0.8, OURS, 1), timeTo(0.8, OURS, 2), timeTo(0.81, OURS)]).toEqual([
      ...[11, 18, 10, null],
    ]);
    expect([seedsAt(0.8, OURS), seedsAt(0.9, OURS)]).toEqual([2, 1]);
  });

  it("has a range with each seed left out in turn, also of ratios", () => {
    expect(leftOut(0.8, OURS)).toEqual({ all: 11, range: [10, 18] });
    expect(leftOut(0.8, OURS, PEER)).toEqual({ all: 11 / 33, range: [10 / 20, 18 / 36] });
    expect(leftOut(0.81, OURS)).toEqual({ all: null, range: [10, null] });
    expect(leftOut(0.9, BEST)).toEqual({ all: 12, range: null });
  });

  it("is compared with the fastest in full precision", () => {
    expect(strongest([OURS, PEER, BEST, REDUCED], 0.9)).toBe(BEST);
    expect(strongest([OURS, PEER, REDUCED], 0.9)).toBe(PEER);
    expect(strongest([OURS], 0.9)).toBeUndefined();
  });
});

describe("ratios over seeds", () => {
  it("have the interval of Student's t of their logarithms", () => {
    // numpy, with two degrees of freedom's closed form: t = a sqrt(2 / (1 - a^2)), a = .95; exp(m -+ t s / sqrt(3)).
    const { mean, low, high } = ratioInterval([0.5, 0.6, 0.8]);
    expect(mean).toBeCloseTo((0.5 * 0.6 * 0.8) ** (1 / 3), 12);
    expect(low).toBeCloseTo(0.344952, 4);
    expect(high).toBeCloseTo(1.119565, 4);
    expect(ratioInterval([0.5])).toEqual({ mean: 0.5, low: null, high: null });
  });

  it("are of the seconds of an epoch, without the first", () => {
    expect(epochSeconds(OURS.curves, "s")).toBe(5.5);
    expect(epochSeconds(OURS.curves, "cpuS")).toBe(11);
    expect(epochSeconds([curve(1, [5, 0.6])], "s")).toBe(null);
    // Medians of seeds 1 and 2: 5 of 10, and 6 of 13.
    expect(epochRatio(OURS, PEER)?.mean).toBeCloseTo(Math.sqrt((5 / 10) * (6 / 13)), 12);
    expect(epochRatio(BEST, PEER)).toEqual({ mean: 1.2, low: null, high: null });
  });
});

describe("processor time", () => {
  it("is read behind a name with spaces and brackets", () => {
    const text =
      "77 (a) b) (c) S 12 77 77 0 -1 4194304 100 0 0 0 250 50 7 3 20 0 9 0 12345 1000 200 18446744073709551615";
    expect(parseStat(text)).toEqual({ parent: 12, ticks: 250 + 50 + 7 + 3 });
  });

  it.skipIf(process.platform !== "linux")("is that of a process, and unknown when it is gone", () => {
    const { user, system } = process.cpuUsage();
    const ours = (user + system) / 1e6;
    expect(cpuSeconds(process.pid)).toBeGreaterThan(0.9 * ours - 0.1);
    expect(cpuSeconds(2 ** 30)).toBe(null);
  });
});

describe("docs/speed.md", () => {
  const row = (
    contenders: readonly Paced[],
    idleBefore = 1,
    { cpu = "CPU", vectors = "AVX-512" } = {},
  ): PaceRow => ({
    ...{ benchmark: "to-accuracy", model: "resnet18.a1_in1k", sizePx: 64, images: { train: 7, val: 3 } },
    ...{ plain: { epochs: 3, batch: 2 }, best: { epochs: 2 }, contenders, commit: "abcdef012345" },
    ...{ machine: { cpu, vectors, cores: 2, idleBefore }, time: "2026-01-02T" },
  });

  it("has a table and a figure of the newest row of each network", () => {
    const rows = [row([PEER]), row([OURS, PEER], 0.5)];
    const text = paceSection(rows);
    const cells = text
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .slice(2)
      .map((line) =>
        line
          .split("|")
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    expect(cells).toEqual([
      [
        ...["here", "plain", "3", "5.5", "11.0", "0.8000 ± 0.0000"],
        ...["11.0 (10.0 to 18.0)", "2 of 2", "0.33 (0.50 to 0.50)", "0.48 [0.29, 0.80]"],
      ],
      [
        ...["PyTorch, channels_last, pictures kept", "plain", "3", "10.0", "20.0", "0.9000 ± 0.0000"],
        ...["33.0 (20.0 to 36.0)", "2 of 2", "", ""],
      ],
    ]);
    expect(text).toContain("\n### resnet18.a1_in1k, 64 px, CPU, AVX-512\n");
    expect(text).toContain("\n2026-01-02, PyTorch 2.1.0, 2 cores, busy, abcdef0.\n");
    expect(text).toContain("To be reached: 0.8000.");
    expect(text).toContain("(figures/to-accuracy-resnet18-a1_in1k.svg)");
    const [[path, svg]] = [...paceFigures(rows)] as [[string, string]];
    expect(path).toBe("figures/to-accuracy-resnet18-a1_in1k.svg");
    expect(svg).toContain("Accuracy over time, resnet18.a1_in1k, 64 px");
    expect(svg).not.toContain("NaN");
    expect(svg.match(/aria-label="line"/g)).toHaveLength(4);
    expect(paceSection([])).toBe("");
    expect(text).not.toContain("first weights are drawn");
    expect(paceSection([{ ...row([OURS, PEER]), model: "resnet18.random" }])).toContain(
      "Its first weights are drawn, the same on both sides, so that its accuracy is far below that of pretrained ones.\n",
    );
  });

  it("keeps the table and the figure of one processor when another is measured, however often", () => {
    const other = { ...row([OURS, PEER]), model: "vit" };
    const on = (cpu: string, vectors: string, ...contenders: readonly Paced[]) =>
      row(contenders, 1, { cpu, vectors });
    const rows = [
      ...[on("B(R) CPU @ 2.5GHz", "AVX2", PEER), other, on("A(R) Processor", "AVX-512", OURS)],
      ...[on("B(R) CPU @ 2.5GHz", "AVX-512", OURS, PEER), on("A(R) Processor", "AVX-512", OURS, PEER)],
    ];
    const text = paceSection(rows);
    expect(text.match(/^### .*/gm)).toEqual([
      ...["A(R) Processor, AVX-512", "B(R) CPU @ 2.5GHz, AVX-512", "B(R) CPU @ 2.5GHz, AVX2"].map(
        (kind) => `### resnet18.a1_in1k, 64 px, ${kind}`,
      ),
      "### vit, 64 px, CPU, AVX-512",
    ]);
    // Of A its newest row, with PyTorch; of B with AVX2 the only one, of PyTorch alone.
    expect(text.match(/^To be reached.*/gm)).toEqual(
      ["0.8000", "0.8000", "0.9000", "0.8000"].map((level) => `To be reached: ${level}.`),
    );
    const figures = paceFigures(rows);
    expect([...figures.keys()]).toEqual([
      "figures/to-accuracy-resnet18-a1_in1k-A-R-Processor-AVX-512.svg",
      "figures/to-accuracy-resnet18-a1_in1k-B-R-CPU-2-5GHz-AVX-512.svg",
      "figures/to-accuracy-resnet18-a1_in1k.svg", // of the processor that was measured first
      "figures/to-accuracy-vit.svg",
    ]);
    expect([...text.matchAll(/\((figures\/\S+)\)/g)].map(([, path]) => path)).toEqual([...figures.keys()]);
    const lines = [...figures.values()].map((svg) => svg.match(/aria-label="line"/g)!.length);
    expect(lines).toEqual([4, 4, 2, 4]);
    const words = [...figures.values()].map((svg) => /seconds since the start, ([\w ,-]+)/.exec(svg)?.[1]);
    expect(words.map((word) => word?.trim())).toEqual([
      "A, AVX-512",
      "B, AVX-512",
      "B, AVX2",
      "CPU, AVX-512",
    ]);
  });
});

describe("reduced precision in docs/speed.md", () => {
  const peer = paced(
    { side: "PyTorch", setup: "bf16", pictures: "kept" },
    curve(1, [8, 0.7], [16, 0.9], [24, 0.9]),
    curve(2, [8, 0.7], [18, 0.7], [28, 0.9]),
  );
  const row = (...contenders: readonly Paced[]): PaceRow => ({
    ...{ benchmark: "to-accuracy", model: "resnet18.a1_in1k", sizePx: 64, images: { train: 7, val: 3 } },
    ...{ plain: { epochs: 3 }, best: { epochs: 2 }, contenders, commit: "abcdef012345" },
    ...{ machine: { cpu: "CPU", cores: 2, idleBefore: 1 }, time: "2026-01-02T" },
  });
  const lines = (text: string) =>
    text
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .slice(2);

  it("is named in PyTorch's rows, whose ratios are to its fastest in float32; kernels are float32", () => {
    const text = paceSection([row(OURS, PEER, NATIVE, peer)]);
    const cells = lines(text).map((line) => line.split("|").map((cell) => cell.trim()));
    // At .8: ours by kernels after 8.5 s (means .65, .8), PyTorch in bf16 after 17 s, in float32 after 33 s.
    expect(cells.slice(2).map((line) => [line[1], line[9]])).toEqual([
      ["here, --kernels native", "0.26 (0.40 to -)"],
      ["PyTorch, channels_last, bf16 autocast (reduced precision), pictures kept", "0.52 (0.78 to 0.80)"],
    ]);
    expect(text).toContain("To be reached: 0.8000.");
  });

  it("is dotted in the figure, and says so; kernels are dashed and dotted", () => {
    const svg = (...contenders: readonly Paced[]) => [...paceFigures([row(...contenders)]).values()][0]!;
    const all = svg(OURS, PEER, NATIVE, peer);
    expect(all.match(/aria-label="line"/g)).toHaveLength(8);
    const legend = [...all.matchAll(/>([^<>]*, plain[^<>]*)</g)].map(([, label]) => label);
    expect(legend).toEqual([
      ...["here, plain", "PyTorch, plain", "here, plain, native", "PyTorch, plain, bf16 (reduced precision)"],
    ]);
    for (const dash of ["1 3", "12 5 2 5"]) {
      expect(all).toContain(`stroke-dasharray="${dash}"`);
      expect(svg(OURS, PEER)).not.toContain(`stroke-dasharray="${dash}"`);
    }
  });
});

describe("--sides", () => {
  it("names contenders in order, and refuses others", () => {
    expect(contendersOf("peer-best,ours").map(({ side, recipe }) => `${side} ${recipe}`)).toEqual([
      "PyTorch best",
      "here plain",
    ]);
    expect(contendersOf("ours-native")).toEqual([{ side: "here", recipe: "plain", kernels: "native" }]);
    expect(() => contendersOf("ours,theirs")).toThrow(
      'Expected some of ours, peer, ours-best, peer-best, peer-default, peer-compile, ours-native, peer-bf16 for --sides, got "theirs"',
    );
  });
});

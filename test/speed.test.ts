// docs/speed.md has the figures of bench/results.jsonl.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { speedFigures, speedTable } from "../bench/speed.ts";

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

it("is what `npm run bench -- speed-table` writes", () => {
  const lines = read("bench/results.jsonl");
  expect(read("docs/speed.md")).toBe(speedTable(lines));
  for (const [path, svg] of speedFigures(lines)) expect(read(`docs/${path}`)).toBe(svg);
});

/** A row of a forward pass, on a processor of a kind. */
function forwardRow(
  peer: Readonly<Record<string, string | null>>,
  median: number,
  time: string,
  {
    vectors = "AVX-512",
    commit = "abcdef012345",
    cpu = "CPU",
  }: { vectors?: string | null; commit?: string; cpu?: string } = {},
): string {
  const side = (ms: number, peakMb: number, versions = {}) => ({ ms: { median: ms }, peakMb, versions });
  return JSON.stringify({
    benchmark: "forward",
    model: "resnet18",
    batch: 32,
    sizePx: 128,
    ratio: { median, p25: 0.2, p75: 0.6 },
    ours: side(40, 300),
    peer: side(100, 400, peer),
    commit,
    machine: { cpu, cores: 2, idleBefore: 1, vectors },
    time,
  });
}

/** Cells of the lines of a work, in one section. */
function cellsOf(text: string, section: string, work: string): string[][] {
  const from = text.indexOf(`## ${section}`);
  const part = text.slice(from, text.indexOf("\n## ", from + 1));
  const lines = part.split("\n").filter((line) => line.startsWith(`| ${work}`));
  return lines.map((line) =>
    line
      .split("|")
      .slice(2, -1)
      .map((cell) => cell.trim()),
  );
}

const MEMORY = { layout: "contiguous", precision: "float32", compiler: null };
const LAST = { ...MEMORY, layout: "channels_last" };

it("shows the newest row of each setup of the peer, and what is missing", () => {
  const row = (peer: Readonly<Record<string, string>>, median: number, time: string) =>
    forwardRow(peer, median, time, { vectors: null });
  const text = speedTable(
    [
      row({ torch: "1.13.0a0", layout: "contiguous" }, 0.3, "2026-01-01T"),
      row({ torch: "2.1.0", layout: "channels_last" }, 0.8, "2026-01-01T"),
      row({ torch: "2.1.0", layout: "contiguous" }, 0.4, "2026-01-02T"),
      row({ torch: "2.1.0", layout: "channels_last", precision: "float32" }, 0.9, "2026-01-03T"),
      row({ torch: "2.1.0", layout: "channels_last", precision: "bf16" }, 1.5, "2026-01-03T"),
    ].join("\n"),
  );
  expect(cellsOf(text, "All measurements", "forward resnet18").map((line) => line.slice(0, 6))).toEqual([
    ["PyTorch 2.1.0", "<= 0.5", "0.40 (0.20 to 0.60)", "40", "<= 1", "0.75"],
    ["PyTorch 2.1.0, channels_last", "<= 0.5", "0.90 (0.20 to 0.60)", "40", "<= 1", "0.75"],
    ["PyTorch 2.1.0, channels_last, bf16 autocast", "<= 0.5", "1.50 (0.20 to 0.60)", "40", "<= 1", "0.75"],
  ]);
  expect(text.match(/not measured/g)).toHaveLength(25); // all other goals
});

it("puts ours beside the strongest setups, of what one commit measured on each kind of processor", () => {
  const torch = { torch: "2.15.0+cpu" };
  const text = speedTable(
    [
      forwardRow({ ...torch, ...LAST, precision: "bf16" }, 9, "2026-01-01T", { commit: "older" }),
      forwardRow({ ...torch, ...LAST, precision: "int8" }, 8, "2026-01-01T", { commit: "older" }),
      forwardRow({ ...torch, ...LAST }, 0.7, "2026-01-02T", { vectors: "AVX2", commit: "narrow" }),
      forwardRow({ ...torch, ...MEMORY }, 0.6, "2026-01-02T", { vectors: "AVX2", commit: "narrow" }),
      forwardRow({ ...torch, ...MEMORY }, 0.4, "2026-01-03T"),
      forwardRow({ ...torch, ...LAST }, 0.8, "2026-01-03T"),
      forwardRow({ ...torch, ...LAST, compiler: "inductor" }, 0.9, "2026-01-03T"),
      forwardRow({ ...torch, ...LAST, precision: "bf16" }, 1.5, "2026-01-03T"),
    ].join("\n"),
  );
  expect(cellsOf(text, "Beside the strongest PyTorch", "forward resnet18")).toEqual([
    [
      ...["CPU, AVX-512", "0.40", "0.90 (channels_last, compiled)", "1.50 (channels_last, bf16 autocast)"],
      "2026-01-03, abcdef0",
    ],
    ["CPU, AVX2", "0.60", "0.70 (channels_last)", "-", "2026-01-02, narrow"],
  ]);
  // AVX-512 first; a setup that the newest commit did not measure stays, and is no strongest one.
  const shown = cellsOf(text, "All measurements", "forward resnet18");
  expect(shown.map(([peer, , ratio]) => `${peer}: ${ratio!.slice(0, 4)}`)).toEqual([
    "PyTorch 2.15.0: 0.40",
    "PyTorch 2.15.0, channels_last: 0.80",
    "PyTorch 2.15.0, channels_last, compiled: 0.90",
    "PyTorch 2.15.0, channels_last, bf16 autocast: 1.50",
    "PyTorch 2.15.0, channels_last, int8: 8.00",
    "PyTorch 2.15.0: 0.60",
    "PyTorch 2.15.0, channels_last: 0.70",
  ]);
});

it("keeps the rows of one processor when another is measured", () => {
  const torch = { torch: "2.15.0", ...LAST };
  const bf16 = { ...torch, precision: "bf16" };
  const text = speedTable(
    [
      forwardRow(torch, 1.2, "2026-01-01T", { cpu: "B", commit: "first" }),
      forwardRow(bf16, 2.1, "2026-01-01T", { cpu: "B", commit: "first" }),
      forwardRow(torch, 0.8, "2026-01-02T", { cpu: "A", commit: "second" }),
      forwardRow(bf16, 0.5, "2026-01-02T", { cpu: "A", commit: "second" }),
    ].join("\n"),
  );
  const shown = cellsOf(text, "Beside the strongest PyTorch", "forward resnet18");
  expect(shown.map(([cpu, , full, reduced]) => [cpu, full!.slice(0, 4), reduced!.slice(0, 4)])).toEqual([
    ["A, AVX-512", "0.80", "0.50"],
    ["B, AVX-512", "1.20", "2.10"],
  ]);
  expect(
    cellsOf(text, "All measurements", "forward resnet18").map(([, , ratio]) => ratio!.slice(0, 4)),
  ).toEqual([...["0.80", "0.50", "1.20", "2.10"]]);
});

it("names what the peer's loader decodes by", () => {
  const row = (decoder: string, median: number) =>
    JSON.stringify({
      ...JSON.parse(forwardRow({ torch: "2.15.0+cpu", decoder }, median, "2026-01-03T")),
      ...{ benchmark: "loader", model: "tf_efficientnetv2_s", sizePx: 224 },
    });
  const text = speedTable(
    [row("pyvips", 0.6), row("decode_jpeg", 0.7), row("pillow-simd", 0.4), row("pillow", 0.5)].join("\n"),
  );
  expect(cellsOf(text, "All measurements", "loader JPEGs").map(([peer]) => peer)).toEqual([
    "PyTorch 2.15.0",
    "PyTorch 2.15.0, Pillow-SIMD",
    "PyTorch 2.15.0, decode_jpeg, transforms v2",
    "PyTorch 2.15.0, libvips",
  ]);
  const [line] = cellsOf(text, "Beside the strongest PyTorch", "loader JPEGs");
  expect(line!.slice(0, 4)).toEqual(["CPU, AVX-512", "0.50", "0.70 (decode_jpeg, transforms v2)", "-"]);
});

it("shows the newest line of each size of the page's table", () => {
  const times = (median: number) => ({ median, p25: 1, p75: 1, min: 1, max: 1, p95: 2 * median });
  const row = (rows: number, ms: number) =>
    JSON.stringify({
      benchmark: "page",
      rows,
      repeats: 10,
      openMs: times(1000 * ms),
      filterMs: times(ms),
      sortMs: times(3 * ms),
      filterCpuMs: times(ms),
      blankMs: times(4 * ms),
      memoryMb: times(5 * ms),
      versions: { chromium: "156.0.1" },
      machine: { cpu: "CPU", cores: 2, idleBefore: 0.5 },
      time: "2026-01-01T",
    });
  const text = speedTable([row(15_064, 7), row(15_064, 8), row(500, 9)].join("\n"));
  const lines = text.slice(text.indexOf("## The page")).split("\n");
  const cells = lines.filter((line) => line.startsWith("| ")).map((line) => line.split("|").slice(2, 6));
  expect(cells.slice(2, 8).map((line) => line.map((cell) => cell.trim()))).toEqual([
    ["8000", "<= 1500", "not measured", "<= 4000"],
    ["16", "<= 20", "not measured", "<= 50"],
    ["8", "<= 20", "not measured", "<= 50"],
    ["24", "<= 30", "not measured", "<= 300"],
    ["32", "<= 150", "not measured", "<= 150"],
    ["40", "<= 250", "not measured", "<= 500"],
  ]);
  expect(text).toContain("2026-01-01, CPU, 2 cores, busy, Chromium 156, 10 repeats");
  const peer = {
    benchmark: "page-peer",
    openMs: times(3),
    filterMs: times(5),
    memoryMb: times(6),
    versions: { spotlight: "1.2" },
  };
  const beside = speedTable([row(15_064, 8), JSON.stringify(peer)].join("\n"));
  const column = beside.slice(beside.indexOf("## The page")).split("\n");
  const last = column.filter((line) => line.startsWith("| ")).map((line) => line.split("|")[6]?.trim());
  expect([last[0], ...last.slice(2, 8)]).toEqual([
    ...["Spotlight 1.2, 15,064 frames", "3", "10", "5", "-", "-", "6"],
  ]);
});

it("shows the newest line of each network's growth", () => {
  const row = (ms: number) =>
    JSON.stringify({
      benchmark: "growth",
      model: "resnet18",
      threads: 2,
      points: [1, 2, 3].map((batch) => ({
        batch,
        sizePx: 1000,
        ms: 10 + ms * batch,
        peakMb: 50 + 100 * batch,
      })),
      commit: "abcdef012345",
      machine: { cpu: "CPU", cores: 2, idleBefore: 1 },
      time: "2026-01-01T",
    });
  const text = speedTable([row(7), row(8)].join("\n"));
  const cells = text
    .split("\n")
    .filter((line) => line.startsWith("| resnet18"))[0]!
    .split("|");
  const shown = cells.slice(2, 11).map((cell) => cell.trim());
  expect(shown).toEqual([
    "1 to 3",
    "1000 to 1000",
    "1.00 to 3.00",
    "10",
    "8",
    "1.0000, 0 %",
    "50",
    "100",
    "1.0000, 0 %",
  ]);
});

it("shows models in the page by threads, the newest row of each", () => {
  const row = (threads: number, median: number) => {
    const ms = { median, p25: 1, p75: 1, min: 1, max: 1 };
    return JSON.stringify({
      benchmark: "page-step",
      model: "mobilenetv2_100",
      ...{ batch: 8, sizePx: 96, threads },
      ratio: { median: median / 100, p25: 2, p75: 4 },
      ours: { ms, versions: { chromium: "156.0.1" } },
      peer: { ms: { ...ms, median: 100 } },
      commit: "abcdef012345",
      machine: { cpu: "CPU", cores: 2, idleBefore: 0.5 },
      time: "2026-01-01T",
    });
  };
  const text = speedTable([row(1, 400), row(2, 250), row(1, 300)].join("\n"));
  const lines = text.split("\n").filter((line) => line.includes("page-step mobilenetv2_100"));
  expect(
    lines.map((line) =>
      line
        .split("|")
        .slice(2, -1)
        .map((cell) => cell.trim()),
    ),
  ).toEqual([
    ["1", "3.00 (2.00 to 4.00)", "300", "100", "2026-01-01, CPU, 2 cores, busy, Chromium 156, abcdef0"],
    ["2", "2.50 (2.00 to 4.00)", "250", "100", "2026-01-01, CPU, 2 cores, busy, Chromium 156, abcdef0"],
  ]);
});

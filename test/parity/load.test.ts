// A bundle as `datasets` and mlcroissant load it: both pictures and all labels of every pair. The golden is what they saw of the bundle
// that is written here (load.py, which prints it); where Python has them, they look again.
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { COLUMNS, SPLITS } from "../../src/core/words.ts";
import { checkDataset } from "../../src/dataset/check/check.ts";
import { HUB_SPLITS, PairTally } from "../../src/dataset/export/common.ts";
import { PICTURE_COLUMNS } from "../../src/dataset/export/parquet.ts";
import { publishedPairs } from "../../src/dataset/export/publish.ts";
import { keyedPseudonyms } from "../../src/dataset/pseudonyms.ts";
import { type ParquetImage, readRows } from "../../src/formats/parquet/rows.ts";
import { decodeImage } from "../../src/pixels/image.ts";
import { writeBundle } from "../../src/release/bundle.ts";
import type { ReleaseInfo } from "../../src/release/facts.ts";
import { aPair } from "../dataset.ts";
import { layPictures } from "../pictures.ts";
import { runPython } from "../python.ts";

type Records = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
interface Seen {
  readonly versions: Readonly<Record<string, string>>;
  readonly datasets: {
    readonly features: Readonly<Record<string, string>>;
    readonly splits: Readonly<
      Record<string, { rows: number; bytes: number; content: string; records: Records[string] }>
    >;
  };
  readonly croissant: Readonly<Record<"errors" | "warnings" | "labels", readonly string[]>> & {
    readonly metadata: Readonly<Record<string, unknown>>;
    readonly pairs: Records;
    readonly records: Readonly<Record<string, number>>;
  };
}

const INFO: ReleaseInfo = {
  ...{ name: "Invented pairs", version: "1.2.0", date: "2026-11-24" },
  ...{ creator: "A lab", url: "https://example.org/x" },
  licence: "hagrid",
  answers: {
    created: "2026-11-01",
    collectionPeriod: { from: "2021-05-01", to: "2022-02-28" },
    publisher: "An institute",
    rawData: "They stay where they are.",
    annotationPlatform: ["a platform", "another"],
    annotationAnalysis: ["majority of three"],
    annotationsPerItem: "3",
    annotatorDemographics: ["40 annotators", "of two countries"],
  },
};
const KEY = new TextEncoder().encode("a key of thirty-two bytes for it");
const golden = JSON.parse(
  await readFile(new URL("./goldens/load.json", import.meta.url), "utf8").catch(() => "{}"),
) as Seen;

let root: string;
const at = (name: string) => join(root, name);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-load-"));
  const odd = aPair('a.b "ü"', 'o"neill, "x"', { race: "very fair", gender: "female", age: "" });
  await layPictures(at("set"), {
    train: [
      aPair("t1", "s1"),
      { ...odd, handImage: "H_odd.jpeg", faceImage: "F_odd.jpg" },
      aPair("t2", "s1"),
    ],
    val: [aPair("v", "vera", { gesture: "stop" })],
    test: [aPair("w", "will", { race: "" })],
  });
  const checked = await checkDataset(at("set"));
  await writeBundle(checked, INFO, at("bundle"), { madeBy: "9.9.9" });
  const hidden = { madeBy: "9.9.9", pseudonyms: keyedPseudonyms(KEY) };
  await writeBundle(checked, INFO, at("hashed"), hidden);
  const keep = process.env["FACEHAND_KEEP"];
  if (keep !== undefined) await cp(at("bundle"), keep, { recursive: true });
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** What stands in a shard, pictures as load.py prints them. */
async function rowsOf(bundle: string, split: string) {
  const schema = {
    ...Object.fromEntries(COLUMNS.map((column) => [column, "string" as const])),
    ...Object.fromEntries(PICTURE_COLUMNS.map((column) => [column, "image" as const])),
  };
  const rows: Record<string, unknown>[] = [];
  const images: ParquetImage[] = [];
  for await (const row of readRows(at(`${bundle}/data/${split}-00000-of-00001.parquet`), schema)) {
    const one: Record<string, unknown> = { ...row };
    for (const column of PICTURE_COLUMNS) {
      const image = row[column] as ParquetImage;
      images.push(image);
      const { width, height } = await decodeImage(image.bytes);
      one[column] = ["RGB", width, height];
    }
    rows.push(one);
  }
  return { rows, images };
}

async function head(bundle: string) {
  const [, text] = (await readFile(at(`${bundle}/README.md`), "utf8")).split(/^---$/m);
  return parse(text!) as {
    readonly configs: readonly { readonly data_files: readonly { split: string; path: string }[] }[];
    readonly dataset_info: {
      readonly features: readonly { name: string; dtype: string }[];
      readonly splits: readonly { name: string; num_bytes: number; num_examples: number }[];
      readonly dataset_size: number;
    };
  };
}

/** Without what differs between machines: bytes of JPEGs as a codec writes them. */
function steady({ datasets, croissant }: Seen) {
  const splits = Object.entries(datasets.splits).map(([name, { rows, records }]) => [
    name,
    { rows, records },
  ]);
  return { features: datasets.features, splits: Object.fromEntries(splits), croissant };
}

describe("the golden of a bundle", () => {
  it("states its versions, and that nothing was wrong", () => {
    expect(golden.versions).toEqual({
      datasets: expect.stringMatching(/^\d/),
      mlcroissant: expect.stringMatching(/^\d/),
      pillow: expect.stringMatching(/^\d/),
      pyarrow: expect.stringMatching(/^\d/),
    });
    expect([golden.croissant.errors, golden.croissant.warnings]).toEqual([[], []]);
    const { metadata } = golden.croissant;
    expect(metadata).toEqual({
      ...{ created: "2026-11-01", modified: "2026-11-24", publisher: ["An institute"] },
      timeFrame: ["2021-05-01", "2022-02-28"],
      rawData: expect.stringMatching(/^HaGRID's photographs .* They stay where they are\.$/),
      ...{ platform: ["a platform", "another"], analysis: ["majority of three"], perItem: "3" },
      demographics: ["40 annotators", "of two countries"],
    });
    expect(golden.croissant.labels).toEqual(["pairs/age", "pairs/gender", "pairs/race", "pairs/labels"]);
  });

  it.each(SPLITS)("has the rows and both pictures of %s, as the shards hold them", async (split) => {
    const name = HUB_SPLITS[split];
    const { rows } = await rowsOf("bundle", name);
    expect(golden.datasets.splits[name]!.records).toEqual(rows);
    expect(golden.croissant.pairs[name]).toEqual(rows);
    expect(rows[0]!["hand_image"]).toEqual(["RGB", 64, 64]);
  });

  it("has the features and splits of the card", async () => {
    const { configs, dataset_info: info } = await head("bundle");
    expect(configs[0]!.data_files.map(({ split }) => split)).toEqual(Object.keys(golden.datasets.splits));
    const kind = (text: string) => (text.startsWith("Image") ? "image" : /'(\w+)'/.exec(text)?.[1]);
    expect(Object.fromEntries(info.features.map(({ name, dtype }) => [name, dtype]))).toEqual(
      Object.fromEntries(Object.entries(golden.datasets.features).map(([name, of]) => [name, kind(of)])),
    );
    expect(info.splits.map(({ name, num_examples: n }) => [name, n])).toEqual(
      Object.entries(golden.datasets.splits).map(([name, { rows }]) => [name, rows]),
    );
  });
});

describe("shards by pseudonyms", () => {
  it("have the rows, the order and the names of the tables, and the dataset's pictures", async () => {
    const plain = await rowsOf("bundle", "train");
    const { rows, images } = await rowsOf("hashed", "train");
    const csv = (await readFile(at("hashed/train.csv"), "utf8")).trimEnd().split("\n").slice(1);
    expect(rows.map((row) => row["id"])).toEqual(csv.map((line) => line.slice(0, 32)));
    expect(rows.map((row) => row["id"])).toEqual([...rows.map((row) => row["id"])].sort());
    expect(images.map(({ path }) => path)).toEqual(
      rows.flatMap((row) => [row["hand_image_name"], row["face_image_name"]]),
    );
    const sorted = (all: readonly ParquetImage[]) =>
      all.map(({ bytes }) => Buffer.from(bytes).toString("base64")).sort();
    expect(sorted(images)).toEqual(sorted(plain.images));
    const { dataset_info: info } = await head("hashed");
    expect(info.splits[0]!.num_bytes).toBeGreaterThan(
      (await head("bundle")).dataset_info.splits[0]!.num_bytes,
    );
  });
});

describe("Python", () => {
  it("sees what the golden has, and the bytes that the card states", { timeout: 120_000 }, async (test) => {
    const script = new URL("./load.py", import.meta.url).pathname;
    for (const bundle of ["bundle", "hashed"]) {
      const ran = runPython(script, at(bundle));
      if (ran === undefined) return test.skip("no Python with datasets and mlcroissant");
      expect(ran.status, ran.stderr).toBe(0);
      const seen = JSON.parse(ran.stdout) as Seen;
      if (bundle === "bundle") expect(steady(seen)).toEqual(steady(golden));
      const { dataset_info: info } = await head(bundle);
      expect(info.splits.map(({ name, num_bytes: bytes }) => [name, bytes])).toEqual(
        Object.entries(seen.datasets.splits).map(([name, { bytes }]) => [name, bytes]),
      );
      const tally = new PairTally();
      const pseudonyms = bundle === "hashed" ? keyedPseudonyms(KEY) : undefined;
      const pairs = tally.watch(publishedPairs(await checkDataset(at("set")), pseudonyms), {});
      for (const split of SPLITS) for await (const _ of pairs(split));
      const { content } = tally.result();
      for (const split of SPLITS)
        expect(seen.datasets.splits[HUB_SPLITS[split]]!.content).toBe(content[split]);
    }
  });
});

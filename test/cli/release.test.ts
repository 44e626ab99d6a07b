// A drawn set goes the whole way: derived, cleaned, labels reviewed and decided, split, checked, published, fetched
// again whole and by its tables, repaired, taken through other forms, and equal to what it was.
// What Python makes of a bundle (mlcroissant, and upstream's own example as it is): test/parity/bundle.py.
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEDGER_COLUMNS } from "../../src/dataset/ledger-columns.ts";
import { writePredictions } from "../../src/evaluate/stored/predictions.ts";
import { readCsv } from "../../src/formats/csv.ts";
import { sha256 } from "../../src/machine/files.ts";
import { laySample } from "../sample.ts";
import { runCli } from "./run.ts";

let root: string;
const at = (name: string) => join(root, name);
const INFO = [
  "--release",
  "1.0.0",
  "--date",
  "2026-11-24",
  "--creator",
  "Nobody",
  "--url",
  "https://example.org/p",
];
const publish = (...more: readonly string[]) => runCli("release", ...more, ...INFO);

const derive = (out: string, ...more: readonly string[]) =>
  runCli(
    ...["derive", "--hagrid", at("raw"), "--gestures", "all", "--out", at(out), "--size", "64"],
    ...["--face-landmarks", at("raw/face_landmarks.json"), ...more],
  );
async function ledger(out: string) {
  const rows = [];
  for await (const { values } of readCsv(at(`${out}/ledger.csv`), LEDGER_COLUMNS)) rows.push(values);
  return rows;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-release-"));
  await laySample(at("raw"), { subjects: 16, framesPerSubject: 3, seed: 42 });
  expect((await derive("first")).code).toBe(0);
  await writeFile(at("decisions.csv"), await decide());
  expect((await derive("pairs", "--decisions", at("decisions.csv"))).code).toBe(0);
});

/** What somebody decides who reviews the first derivation: at one removed frame, and at what models contradict. */
async function decide(): Promise<string> {
  const rows = await ledger("first");
  const gone = rows.find(({ reason }) => reason === "face_too_small" || reason === "missing_label")!;
  const doubted = rows.find(({ status, gender }) => status === "kept" && gender === "male")!;
  const prediction = (modality: "hand" | "face") => ({
    ...{
      id: `${doubted.image_id}/${modality}`,
      source: "pairs",
      subject: `pairs:${doubted.user_id}`,
      modality,
    },
    ...{ split: "val" as const, target: 1 as const, logit: -3, probability: 1 / (1 + Math.exp(3)) },
    ...{ modalityUsed: null, gateHand: null, age: "", race: "", gesture: doubted.gesture },
  });
  await writePredictions(at("predictions.parquet"), [prediction("hand"), prediction("face")]);
  const found = await runCli("derive", "labels", "--predictions", at("predictions.parquet"), "--json");
  const [first] = JSON.parse(found.stdout).listed;
  expect(first).toMatchObject({ image_id: doubted.image_id, recorded: "male" });
  return [
    "who,when,what,why,image_id,user_id,gender",
    `me,2026-03-31,restore,looked at it,${gone.image_id},,`,
    `me,2026-04-01,relabel,hand and face disagree with it,,${first.user_id},female`,
    "",
  ].join("\n");
}
afterAll(() => rm(root, { recursive: true, force: true }));

/** Every file below a folder with its hash. */
async function snapshot(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name));
  return Promise.all(
    files.sort().map(async (path) => `${path.slice(dir.length + 1)} ${sha256(await readFile(path))}`),
  );
}

describe("facehand release", () => {
  it("bundles what derive made", async () => {
    const { code, stdout } = await publish(
      "bundle",
      at("pairs"),
      "--licence",
      "drawn",
      "--with-removed",
      "--out",
      at("bundle"),
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^\d+ pairs of \d+ subjects in .*bundle, Face-hand pairs of drawn people 1\.0\.0; hashes/,
    );
    const manifest = JSON.parse(await readFile(at("bundle/manifest.json"), "utf8"));
    const note = JSON.parse(await readFile(at("bundle/release.json"), "utf8"));
    expect(note.derivationHash).toBe(manifest.derivationHash);
    const sheet = await readFile(at("bundle/DATASHEET.md"), "utf8");
    expect(sheet).toContain(`${manifest.counts.kept} of ${manifest.counts.frames} photographs were kept`);
    expect(sheet).toContain("Nobody in it is real");
    expect(sheet).not.toContain("HaGRID's:");
  });

  it("says in its metadata what made it, and whom each label is from", async () => {
    const document = JSON.parse(await readFile(at("bundle/croissant.json"), "utf8"));
    const manifest = JSON.parse(await readFile(at("bundle/manifest.json"), "utf8"));
    const [derived, bundled] = document["prov:wasGeneratedBy"];
    expect(derived.identifier).toContainEqual(
      expect.objectContaining({ propertyID: "recipeHash", value: manifest.recipeHash }),
    );
    expect(bundled["prov:wasAssociatedWith"][0]).toMatchObject({ "prov:label": "facehand" });
    type Field = { name: string; dataType: unknown; "prov:wasAttributedTo"?: { "prov:label": string }[] };
    const { field } = document.recordSet.find(({ name }: { name: string }) => name === "pairs") as {
      field: Field[];
    };
    const agents = (name: string) =>
      field.find((one) => one.name === name)!["prov:wasAttributedTo"]!.map((one) => one["prov:label"]);
    expect(agents("gender")).toEqual(["facehand data sample", "A1"]); // who decided its relabelling
    expect(agents("age")).toEqual(["facehand data sample"]);
    expect(agents("face_image")).toEqual([manifest.recipe.detector.name, "facehand derive"]);
    const labels = field.filter(({ dataType }) => Array.isArray(dataType) && dataType[1] === "cr:Label");
    expect(labels.map(({ name }) => name)).toEqual(["age", "gender", "race", "labels"]);
  });

  it("has what was decided, and no serious findings", async () => {
    const rows = await ledger("pairs");
    expect(rows.filter(({ decision }) => decision === "restore")).toMatchObject([{ status: "kept" }]);
    const relabelled = rows.filter(({ decision, status }) => decision === "relabel" && status === "kept");
    expect(new Set(relabelled.map(({ gender }) => gender))).toEqual(new Set(["female"]));
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(["kept", "removed"]));
    const { counts } = JSON.parse((await runCli("data", "check", at("pairs"), "--json")).stdout);
    const sizes = counts.splits.map(({ split, pairs }: { split: string; pairs: number }) => [split, pairs]);
    const kept = (split: string) => rows.filter((row) => row.split === split).length;
    expect(sizes).toEqual([
      ...["train", "val", "test"].map((split) => [split, kept(split)]),
      ["all", rows.filter(({ status }) => status === "kept").length],
    ]);
  });

  it("is fetched again whole, every file by its hash, and equal to the last crop", async () => {
    const fetched = await runCli("data", "fetch", at("bundle"), "--out", at("fetched"));
    expect([fetched.code, fetched.stderr]).toEqual([0, ""]);
    const sums = (await readFile(at("bundle/SHA256SUMS"), "utf8")).trimEnd().split("\n");
    const { files } = JSON.parse(await readFile(at("fetched/fetched.json"), "utf8"));
    const isShard = (line: string) => line.endsWith(".parquet") && line.slice(66).startsWith("data/");
    const brought = sums.filter((line) => !isShard(line));
    expect(sums.length - brought.length).toBe(3);
    for (const line of brought) expect(files[line.slice(66)].sha256).toBe(line.slice(0, 64));
    expect(fetched.stdout).toContain(
      "3 Parquet shards are not fetched: they repeat the tables and the archive",
    );
    expect(await readdir(at("fetched"))).not.toContain("data");
    const papers = new Set(sums.map((line) => line.slice(66)).concat("SHA256SUMS", "fetched.json"));
    const data = (await snapshot(at("fetched"))).filter((line) => {
      const name = line.slice(0, -65);
      return /^(manifest|ledger|train|val|test)\./.test(name) || !(papers.has(name) || name.startsWith("."));
    });
    const isRecord = (line: string) => /^(manifest|ledger)\./.test(line); // names and notes are taken out of them
    const isOther = (line: string) => !isRecord(line);
    expect(data.filter(isOther)).toEqual((await snapshot(at("pairs"))).filter(isOther));
    expect(data.filter(isRecord)).toHaveLength(3);
    expect(data.some((line) => line.startsWith("removed_hands/"))).toBe(true);
    const checked = await runCli("data", "check", at("fetched"), "--json");
    const { counts } = JSON.parse((await runCli("data", "check", at("pairs"), "--json")).stdout);
    expect([checked.code, JSON.parse(checked.stdout).counts]).toEqual([0, counts]);
    const again = await runCli("data", "fetch", at("bundle"), "--out", at("fetched"));
    expect(again.stdout.match(/as it was fetched before/g)!.length).toBe(brought.length + 1);
  });

  it("is fetched by the tables and images alone from a mirror, and refused if one changed", async () => {
    const get = (mirror: string, out: string) =>
      runCli("data", "fetch", "derived-hagrid", "--mirror", at(mirror), "--out", at(out));
    expect((await get("bundle", "tables")).code).toBe(0);
    const isPair = (line: string) => /^(images\/|(train|val|test)\.csv)/.test(line);
    expect((await snapshot(at("tables"))).filter(isPair)).toEqual(
      (await snapshot(at("pairs"))).filter(isPair),
    );
    await cp(at("bundle"), at("forged"), { recursive: true });
    const csv = await readFile(at("forged/val.csv"), "utf8");
    await writeFile(at("forged/val.csv"), csv.replace(/Female|Male/, "male"));
    for (const fetched of [
      await get("forged", "x"),
      await runCli("data", "fetch", at("forged"), "--out", at("y")),
    ]) {
      expect(fetched.code).toBe(4);
      expect(fetched.stderr).toMatch(
        /^Expected SHA-256 [0-9a-f]{64} for .*forged\/val\.csv, got "[0-9a-f]{64}"/,
      );
    }
    for (const out of ["x", "y"]) expect(await readdir(at(out))).not.toContain("val.csv");
  });

  it("is mended after what hands and unzip programs do to it", async () => {
    await cp(at("fetched"), at("damaged"), { recursive: true });
    const [content, doubled] = [at("damaged/images/content"), at("damaged/images/content/content")];
    await mkdir(doubled);
    await rename(join(content, "aligned_dataset"), join(doubled, "aligned_dataset"));
    const csv = await readFile(at("damaged/train.csv"), "utf8");
    await writeFile(at("damaged/train.csv"), csv.replaceAll("Female", " female ").replaceAll("\n", "\r\n"));
    const result = await runCli("data", "repair", at("damaged"));
    expect(result.stdout).toContain("Nothing was changed: --apply makes the changes");
    expect((await runCli("data", "repair", at("damaged"), "--apply")).code).toBe(0);
    expect((await runCli("data", "check", at("damaged"))).code).toBe(0);
    const isPair = (line: string) => /^(images\/|(train|val|test)\.csv|ledger)/.test(line);
    expect((await snapshot(at("damaged"))).filter(isPair)).toEqual(
      (await snapshot(at("fetched"))).filter(isPair),
    );
  });

  it("goes through every other form and back, and is bundled to the same bytes", async () => {
    let set = at("fetched");
    for (const kind of ["parquet", "webdataset", "imagefolder"]) {
      expect(
        (await runCli("data", "export", set, `--${kind}`, "--with-removed", "--out", at(kind))).code,
      ).toBe(0);
      expect((await runCli("data", "import", at(kind), "--out", at(`${kind}-back`))).code).toBe(0);
      set = at(`${kind}-back`);
    }
    const fetched = new Set(await snapshot(at("fetched")));
    const back = await snapshot(set);
    expect(back.filter((line) => !fetched.has(line))).toEqual([]);
    expect(back).toHaveLength((await snapshot(at("pairs"))).length);
    const again = ["--licence", "drawn", "--with-removed"];
    expect((await publish("bundle", set, ...again, "--out", at("bundle-2"))).code).toBe(0);
    expect(await readFile(at("bundle-2/SHA256SUMS"), "utf8")).toBe(
      await readFile(at("bundle/SHA256SUMS"), "utf8"),
    );
    await publish("bundle", at("fetched"), ...again, "--out", at("bundle-3"));
    expect(await readFile(at("bundle-3/SHA256SUMS"), "utf8")).toBe(
      await readFile(at("bundle/SHA256SUMS"), "utf8"),
    );
  });

  it("prints card and metadata as in the bundle", async () => {
    const card = await publish("card", at("pairs"), "--licence", "drawn");
    expect(card.stdout).toBe(await readFile(at("bundle/README.md"), "utf8"));
    const metadata = await publish("croissant", at("pairs"), "--licence", "drawn");
    expect(metadata.stdout).toBe(await readFile(at("bundle/croissant.json"), "utf8"));
    expect((await publish("card", at("pairs"), "--licence", "drawn", "--out", at("card.md"))).stdout).toBe(
      `${at("card.md")}\n`,
    );
    expect(await readFile(at("card.md"), "utf8")).toBe(card.stdout);
  });

  it("refuses to publish without a choice of licence, or with bad statements", async () => {
    const none = await publish("bundle", at("pairs"), "--out", at("x"));
    expect(none.code).toBe(2);
    expect(none.stderr).toMatch(
      /^Expected a choice of licence, hagrid or drawn, for --licence, got nothing\nTry: /,
    );
    const day = [
      "--release",
      "1.0.0",
      "--date",
      "24.11.2026",
      "--creator",
      "N",
      "--url",
      "https://example.org",
    ];
    expect((await runCli("release", "card", at("pairs"), ...day)).stderr).toMatch(
      /^Expected a day such as 2026-11-24 for --date, got "24.11.2026"/,
    );
    const version = await runCli("release", "card", at("pairs"), "--release", "v1");
    expect(version.stderr).toMatch(/^Expected a version such as 1.0.0 for --release, got "v1"/);
  });

  it("refuses to publish a file that nothing names, or a dataset that fails its check", async () => {
    await writeFile(at("pairs/holiday.jpg"), "x");
    const file = await publish("bundle", at("pairs"), "--licence", "drawn", "--out", at("x"));
    expect(file.code).toBe(3);
    expect(file.stderr).toContain("got 1 others: holiday.jpg");
    await rm(at("pairs/holiday.jpg"));
    const csv = await readFile(at("pairs/val.csv"), "utf8");
    await writeFile(at("pairs/val.csv"), csv.replace(/Female|Male/, "?"));
    for (const verb of ["bundle", "card", "croissant"]) {
      const out = verb === "bundle" ? ["--out", at("x")] : [];
      const { code, stderr } = await publish(verb, at("pairs"), "--licence", "drawn", ...out);
      expect(code).toBe(3);
      expect(stderr).toMatch(/^Expected no serious findings in .*pairs, got 2/);
    }
    await writeFile(at("pairs/val.csv"), csv);
  });
});

describe("release bundle as Parquet", () => {
  const names = async (dir: string) => (await readdir(at(dir), { recursive: true })).sort();

  it("is left out on request, in card, metadata and files", async () => {
    const lean = await publish(
      ...["bundle", at("pairs"), "--licence", "drawn", "--no-parquet", "--with-removed", "--out", at("lean")],
    );
    expect(lean.code).toBe(0);
    const left = (await names("bundle")).filter((name) => !/^data\b/.test(name));
    expect(await names("lean")).toEqual(left);
    for (const [verb, file] of [
      ["card", "README.md"],
      ["croissant", "croissant.json"],
    ] as const) {
      const { stdout } = await publish(verb, at("pairs"), "--licence", "drawn", "--no-parquet");
      expect(stdout).toBe(await readFile(at(`lean/${file}`), "utf8"));
      expect(stdout).not.toContain(".parquet");
    }
    const fetched = await runCli("data", "fetch", at("lean"), "--out", at("lean set"));
    expect([fetched.code, fetched.stdout.includes("Parquet shards")]).toEqual([0, false]);
  });

  it("lies in a checked dataset without being one of its files", async () => {
    await cp(at("fetched"), at("unzipped"), { recursive: true });
    await cp(at("bundle/data"), at("unzipped/data"), { recursive: true });
    expect((await runCli("data", "check", at("unzipped"))).code).toBe(0);
    await publish("bundle", at("unzipped"), "--licence", "drawn", "--with-removed", "--out", at("bundle-4"));
    expect(await readFile(at("bundle-4/SHA256SUMS"), "utf8")).toBe(
      await readFile(at("bundle/SHA256SUMS"), "utf8"),
    );
    await writeFile(at("unzipped/data/me.jpg"), "x");
    const other = await publish("bundle", at("unzipped"), "--licence", "drawn", "--out", at("x"));
    expect([other.code, other.stderr.includes("got 1 others: data/me.jpg")]).toEqual([3, true]);
  });
});

describe("release questions and --answers", () => {
  const ask = async (set: string, answers: string, ...more: readonly string[]) => {
    await writeFile(at("answers.yaml"), answers);
    return publish("card", at(set), "--licence", "drawn", "--answers", at("answers.yaml"), ...more);
  };

  it("writes a template of what is open, which answers nothing as it is", async () => {
    const printed = await runCli("release", "questions", at("pairs"));
    expect(printed.stdout).toContain("\n# Motivation: Who paid for making this dataset?\nfunding:\n");
    expect(printed.stdout).not.toContain("consent"); // nobody is real
    expect(printed.stdout).not.toContain("labelling"); // the manifest has it
    const written = await runCli("release", "questions", at("pairs"), "--out", at("template.yaml"));
    expect(written.stdout).toMatch(/^\d+ questions in .*template\.yaml\n$/);
    const template = await readFile(at("template.yaml"), "utf8");
    expect(template).toBe(printed.stdout);
    const { stdout } = await ask("pairs", template);
    expect(stdout).toBe(await readFile(at("bundle/README.md"), "utf8"));
  });

  it("puts answers into datasheet, card and metadata", async () => {
    await writeFile(
      at("answers.yaml"),
      [
        "funding: grant 7 | of *nobody*",
        "publisher: Institute of Drawings",
        "created: 2026-11-01",
        "contact: write to drawings@example.org",
        "earlierUses:\n  - a talk\n  - a demo",
      ].join("\n"),
    );
    const flags = ["--licence", "drawn", "--answers", at("answers.yaml")];
    expect((await publish("bundle", at("pairs"), ...flags, "--out", at("answered"))).code).toBe(0);
    const sheet = (await readFile(at("answered/DATASHEET.md"), "utf8")).replace(/\s+/g, " ");
    expect(sheet).toContain("**Funding.** grant 7 | of \\*nobody\\*");
    expect(sheet).toContain("**Earlier uses.** a talk; a demo");
    expect(sheet).toContain("Not recorded: retention.");
    const document = JSON.parse(await readFile(at("answered/croissant.json"), "utf8"));
    expect(document).toMatchObject({
      publisher: { "@type": "sc:Organization", name: "Institute of Drawings" },
      creator: { name: "Nobody" },
      dateCreated: "2026-11-01",
      dateModified: "2026-11-24",
      funding: { name: "grant 7 | of *nobody*" },
    });
    const card = await readFile(at("answered/README.md"), "utf8");
    expect(card).toContain("by Institute of Drawings");
    expect(card).toContain("**Contact.** write to drawings@example.org");
    expect(JSON.parse(await readFile(at("answered/release.json"), "utf8")).info).not.toHaveProperty(
      "answers",
    );
    const page = await publish("page", at("pairs"), ...flags, "--out", at("answered page"));
    expect(page.code).toBe(0);
    expect(await readFile(at("answered page/README.md"), "utf8")).toContain("**Contact.** write to");
    const metadata = await publish("croissant", at("pairs"), ...flags);
    expect(JSON.parse(metadata.stdout)).toEqual(document);
  });

  it.each([
    [
      "fundng: x",
      'Expected a question of the datasheet for a file of answers, got "fundng" (',
      "the nearest is funding",
    ],
    ["created: 24.11.2026", 'Expected a day such as 2026-11-24 for created, got "24.11.2026" (', undefined],
    [
      "- a list",
      "Expected questions and answers for a file of answers, got ",
      "release questions writes a template",
    ],
    ["funding: [a]", "Expected text for funding, got ", undefined],
    ["funding: a\nfunding: b", "the key funding twice", "keep one of them"],
    [
      "consent: given",
      'Expected only questions that are open for --answers, got "consent"',
      "nobody in this dataset is real",
    ],
    [
      "labelling: by hand",
      'Expected only questions that are open for --answers, got "labelling"',
      "manifest.json has it",
    ],
    [
      "created: 2026-12-01",
      'Expected a day from created (2026-12-01) on for modified, got "2026-11-24"',
      undefined,
    ],
  ])("refuses %s", async (answers, message, hint) => {
    const { code, stderr } = await ask("pairs", answers);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    if (hint !== undefined) expect(stderr).toContain(hint);
  });

  it("names a file that is not there", async () => {
    const flags = ["--licence", "drawn", "--answers", at("none.yaml")];
    const { code, stderr } = await publish("card", at("pairs"), ...flags);
    expect([code, stderr.includes(at("none.yaml"))]).toEqual([3, true]);
  });
});

describe("facehand release page", () => {
  it("writes the page over the published tables, without images unless asked", async () => {
    const { code, stdout, stderr } = await publish(
      "page",
      at("pairs"),
      "--licence",
      "drawn",
      "--out",
      at("page"),
    );
    expect([code, stderr.includes("rror")]).toEqual([0, false]);
    expect(stdout).toMatch(/^\d+ pairs in .*page, without images; /);
    const names = (await readdir(at("page"), { recursive: true })).map((name) => name.replaceAll("\\", "/"));
    expect(names).toEqual(
      expect.arrayContaining([
        "index.html",
        "api/things.json",
        "DATA-LICENSE.md",
        "ATTRIBUTION.txt",
        "README.md",
      ]),
    );
    expect(names.filter((name) => /\.jpe?g$/.test(name))).toEqual([]);
    const listing = JSON.parse(await readFile(at("page/api/things.json"), "utf8"));
    expect(listing).toMatchObject({ writes: false, things: [{ kind: "dataset", pictures: 0 }] });
    const [{ id, files }] = listing.things;
    for (const { name, sizeBytes } of files)
      expect((await readFile(at(`page/api/things/${id}/files/${name}`))).length).toBe(sizeBytes);
    expect(await readFile(at(`page/api/things/${id}/files/ledger.csv`), "utf8")).toContain("A1");
    expect(await readFile(at(`page/api/things/${id}/files/manifest.json`), "utf8")).not.toContain(
      "looked at it",
    );
    const shown = await publish(
      "page",
      at("pairs"),
      "--licence",
      "drawn",
      "--with-pictures",
      "--json",
      "--out",
      at("shown"),
    );
    const note = JSON.parse(shown.stdout);
    expect(note.pictures).toBe(2 * note.pairs);
    expect((await readdir(at(`shown/api/things/${id}/pictures`))).length).toBe(note.pictures);
  });

  it("is refused where a bundle is: another licence, a folder that is there, the dataset itself", async () => {
    expect((await publish("page", at("pairs"), "--licence", "hagrid", "--out", at("none"))).stderr).toContain(
      "Expected drawn",
    );
    const again = await publish("page", at("pairs"), "--licence", "drawn", "--out", at("page"));
    expect([again.code, again.stderr.includes("page")]).toEqual([2, true]);
    expect((await publish("page", at("pairs"), "--licence", "drawn", "--out", at("pairs/page"))).code).toBe(
      2,
    );
  });
});

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aPair } from "../../test/dataset.ts";
import { layPictures } from "../../test/pictures.ts";
import { checkDataset } from "../dataset/check/check.ts";
import { sha256 } from "../machine/files.ts";
import { croissantOf, writeBundle } from "./bundle.ts";
import { checkCroissant } from "./croissant-schema.ts";
import { type DatasetFacts, datasetFacts, type ReleaseInfo } from "./facts.ts";
import { chooseLicence } from "./licence.ts";

let root: string;
const at = (name: string) => join(root, name);
const INFO: ReleaseInfo = {
  name: "Invented pairs",
  version: "1.2.0",
  date: "2026-11-24",
  licence: "hagrid",
  creator: "A | B",
  url: "https://example.org/x",
};
const bundle = async (dir: string, out: string) =>
  writeBundle(await checkDataset(at(dir)), INFO, at(out), { madeBy: "9.9.9" });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-bundle-"));
  const many = Array.from({ length: 42 }, (_, n) =>
    aPair(`t${n}`, `s${n % 21}`, { gender: n % 21 < 20 ? "female" : "male", age: n === 0 ? "" : "20-29" }),
  );
  await layPictures(at("set"), {
    train: many,
    val: [aPair("v", "vera", { gesture: "stop" })],
    test: [aPair("w", "will")],
  });
  await bundle("set", "out");
});
afterAll(() => rm(root, { recursive: true, force: true }));

const text = (name: string) => readFile(at(name), "utf8");

describe("writeBundle", () => {
  it("lists every file with its hash", async () => {
    const sums = (await text("out/SHA256SUMS")).trimEnd().split("\n");
    const entries = await readdir(at("out"), { recursive: true, withFileTypes: true });
    const names = entries
      .flatMap((entry) => (entry.isFile() ? [relative(at("out"), join(entry.parentPath, entry.name))] : []))
      .filter((name) => name !== "SHA256SUMS")
      .sort();
    expect(names.filter((name) => name.startsWith("data/"))).toEqual([
      "data/test-00000-of-00001.parquet",
      "data/train-00000-of-00001.parquet",
      "data/validation-00000-of-00001.parquet",
    ]);
    expect(sums.map((line) => line.slice(66))).toEqual(names);
    for (const line of sums)
      expect(sha256(await readFile(at(`out/${line.slice(66)}`)))).toBe(line.slice(0, 64));
    expect(await text("out/train.csv")).toBe(await text("set/train.csv"));
  });

  it("gives the same bytes again", async () => {
    await bundle("set", "again");
    expect(await text("again/SHA256SUMS")).toBe(await text("out/SHA256SUMS"));
  });

  it("computes the numbers of card and datasheet from the tables", async () => {
    const [card, sheet] = [await text("out/README.md"), await text("out/DATASHEET.md")];
    const flat = (page: string) => page.replace(/\s+/g, " "); // lines are wrapped
    expect(flat(card)).toContain(
      "44 pairs of a face and a hand of 23 subjects, 64 x 64 px; gestures: palm, stop.",
    );
    for (const page of [card, sheet]) {
      expect(page).toContain("| all | 42 (21) | 1 (1\\*) | 1 (1\\*) | 44 (23) |");
      expect(page).toContain("| gender: Female | 40 (20) | - | - | 40 (20) |");
      expect(page).toContain("| gender: Male | 2 (1\\*) | 1 (1\\*) | 1 (1\\*) | 4 (3\\*) |");
      expect(flat(page)).toContain("it is not identity");
    }
    expect(flat(sheet)).toContain("A subject has 1 to 2 pairs, median 2.");
    expect(flat(sheet)).toContain("Pairs without a recorded age: 1; without a recorded race: 0.");
    expect(sheet).toMatch(/^2 of these 6 groups are too small to compare/m);
    expect(flat(sheet)).toContain("how it was derived is not recorded");
    const titles = [...sheet.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
    expect(titles).toEqual([
      "Motivation",
      "Composition",
      "Collection process",
      "Preprocessing, cleaning, labelling",
      "Uses",
      "Distribution",
      "Maintenance",
    ]);
    expect(await text("out/ATTRIBUTION.txt")).toContain("Derived from HaGRID (Kapitanov et al.");
    expect(await text("out/DATA-LICENSE.md")).toBe(await readFile("DATA-LICENSE.md", "utf8"));
  });

  it("describes itself", async () => {
    expect(JSON.parse(await text("out/release.json"))).toEqual({
      format: "facehand-bundle/1",
      info: INFO,
      madeBy: "9.9.9",
      pairs: 44,
      subjects: 23,
      recipeHash: null,
      derivationHash: null,
      hashedIds: false,
      withoutRemoved: 0,
      shards: 3,
    });
  });

  it.each([
    ["a person's file beside the tables", "me.jpg", "got 1 others: me.jpg"],
    [
      "an image that no row names",
      "images/content/aligned_dataset/faces/F_me.jpg",
      "got 1 others: images/content/aligned_dataset/faces/F_me.jpg",
    ],
    ["a crop that no ledger names", "removed_faces/F_me.jpg", "got 1 others: removed_faces/F_me.jpg"],
  ])("refuses %s", async (_, name, message) => {
    await mkdir(join(at("set"), name, ".."), { recursive: true });
    await writeFile(
      join(at("set"), name),
      await readFile(at("set/images/content/aligned_dataset/faces/F_v.jpg")),
    );
    try {
      await expect(bundle("set", "never")).rejects.toThrow(message);
    } finally {
      await rm(join(at("set"), name));
      await rm(at("set/removed_faces"), { recursive: true, force: true });
    }
    expect(await readdir(root)).not.toContain("never");
  });

  it("refuses a subject in two splits", async () => {
    const csv = await text("set/val.csv");
    await writeFile(at("set/val.csv"), csv.replace(",vera,", ",will,"));
    try {
      await expect(bundle("set", "never")).rejects.toThrow(
        /^Expected no serious findings in .*set, got 1: Expected a subject of val only/,
      );
    } finally {
      await writeFile(at("set/val.csv"), csv);
    }
  });

  it("does not write into a folder in use", async () => {
    await expect(bundle("set", "out")).rejects.toMatchObject({ code: "OUT_EXISTS" });
  });

  it("publishes crops that cleaning took out, if the ledger names them and they are asked for", async () => {
    await mkdir(at("set/removed_hands"));
    await writeFile(at("set/removed_hands/H_gone.jpg"), "x");
    await writeFile(at("set/ledger.csv"), "image_id,status,reason\ngone,removed,blurred\nv,kept,\n");
    const note = await bundle("set", "without removed");
    expect(note.withoutRemoved).toBe(1);
    expect(await readdir(at("without removed"))).not.toContain("removed_hands.zip");
    const options = { madeBy: "9.9.9", withRemoved: true };
    await writeBundle(await checkDataset(at("set")), INFO, at("cleaned"), options);
    expect(await readdir(at("cleaned"))).toEqual(expect.arrayContaining(["removed_hands.zip", "ledger.csv"]));
    await rm(at("set/removed_hands"), { recursive: true });
    await rm(at("set/ledger.csv"));
  });
});

describe("answers of a publisher about a dataset without a manifest", () => {
  const answered = async (answers: ReleaseInfo["answers"], out: string) =>
    writeBundle(await checkDataset(at("set")), { ...INFO, answers }, at(out), { madeBy: "9.9.9" });

  it("stand where the dataset itself says nothing", async () => {
    const answers = {
      derivation: "Cut by hand.",
      labelling: "Two of us looked.",
      annotationsCreators: ["expert-generated"],
      collectionPeriod: { from: "2021-01-01", to: "2021-12-31" },
      consent: "Given in writing.",
    } as const;
    await answered(answers, "answered");
    const sheet = (await text("answered/DATASHEET.md")).replace(/\s+/g, " ");
    expect(sheet).toContain("how it was derived is what its publisher states below");
    expect(sheet).toContain(
      "As its publisher states: **Derivation.** Cut by hand. **Labels.** Two of us looked.",
    );
    expect(sheet).toContain("**Period of collection.** 2021-01-01 to 2021-12-31");
    expect(sheet).toContain("**Consent.** Given in writing.");
    expect(sheet).toContain("Not recorded: day of creation, ethical review,");
    expect(await text("answered/README.md")).toContain(
      "annotations_creators:\n  - crowdsourced\n  - expert-generated\n",
    );
    expect(await text("out/README.md")).toContain(
      "annotations_creators:\n  - crowdsourced\nsource_datasets:",
    );
    const document = JSON.parse(await text("answered/croissant.json"));
    expect(document["rai:dataPreprocessingProtocol"]).toBe("Cut by hand.");
    expect(document["rai:dataAnnotationProtocol"]).toMatch(/^Two of us looked\. /);
    expect(document["rai:dataCollectionTimeFrame"]).toEqual(["2021-01-01", "2021-12-31"]);
    expect(document["rai:annotatorDemographics"]).toBe("Not recorded.");
  });

  it("are refused where days cannot be", async () => {
    const period = { from: "2022-01-01", to: "2021-12-31" };
    await expect(answered({ collectionPeriod: period }, "never")).rejects.toThrow(
      'Expected a day from collectionPeriod.from (2022-01-01) on for collectionPeriod.to, got "2021-12-31"',
    );
    expect(await readdir(root)).not.toContain("never");
  });

  it("of people of a log stand beside what the log records", async () => {
    const rai = { "rai:annotatorDemographics": "2 annotators." };
    const own = { ...INFO, rai, answers: { annotatorDemographics: ["students"] } };
    const document = await croissantOf(await checkDataset(at("set")), own, { madeBy: "9.9.9" });
    expect(document["rai:annotatorDemographics"]).toEqual(["2 annotators.", "students"]);
    const twice = { ...INFO, rai: { "rai:annotationsPerItem": "2" }, answers: { annotationsPerItem: "3" } };
    await expect(
      croissantOf(await checkDataset(at("set")), twice, { madeBy: "9.9.9" }),
    ).rejects.toMatchObject({
      code: "ANSWERS",
      hint: "take it out: the log of --annotations answers it",
    });
  });
});

describe("Croissant", () => {
  it("of a dataset is that of its bundle", async () => {
    const document = await croissantOf(await checkDataset(at("set")), INFO, { madeBy: "9.9.9" });
    expect(document).toEqual(JSON.parse(await text("out/croissant.json")));
  });

  it("names the files of the bundle with their hashes, and where they come from", async () => {
    const document = checkCroissant(JSON.parse(await text("out/croissant.json")));
    const objects = document.distribution.filter((one) => one["@type"] === "cr:FileObject");
    expect(objects.map((one) => one.name)).toEqual([
      ...["train.csv", "val.csv", "test.csv", "aligned_dataset.zip"],
      ...["train", "validation", "test"].map((split) => `data/${split}-00000-of-00001.parquet`),
    ]);
    for (const one of objects) {
      const bytes = await readFile(at(`out/${one.name}`));
      expect(one).toMatchObject({ sha256: sha256(bytes), contentSize: `${bytes.byteLength} B` });
    }
    expect(document["prov:wasDerivedFrom"]).toEqual({ "@id": "https://github.com/hukenovs/hagrid" });
    expect(document["rai:personalSensitiveInformation"]).toContain("Faces");
    expect(document["rai:dataBiases"]).toContain(
      "Recorded as Female: 40 pairs of 20 subjects, Male: 4 pairs of 3 subjects.",
    );
  });

  it.each<[string, (document: Record<string, unknown>) => void, string]>([
    ["a property that is missing", (d) => delete d.license, "license"],
    ["an unknown property", (d) => Object.assign(d, { licence: "x" }), "the unknown property licence"],
    [
      "another version",
      (d) => Object.assign(d, { conformsTo: ["http://mlcommons.org/croissant/1.0"] }),
      "conformsTo",
    ],
    ["a date that is none", (d) => Object.assign(d, { datePublished: "today" }), "datePublished"],
    [
      "a broken hash",
      (d) => Object.assign((d.distribution as { sha256: string }[])[0]!, { sha256: "x" }),
      "distribution",
    ],
    [
      "a reference into nothing",
      (d) => Object.assign((d.recordSet as { key: unknown }[])[1]!, { key: { "@id": "hands/nothing" } }),
      "a reference to hands/nothing, which is not there",
    ],
    [
      "an id twice",
      (d) => (d.recordSet as unknown[]).push((d.recordSet as unknown[])[0]),
      "the id splits twice",
    ],
  ])("is refused with %s", async (_, spoil, message) => {
    const document = JSON.parse(await text("out/croissant.json"));
    spoil(document);
    expect(() => checkCroissant(document)).toThrow(message);
  });
});

describe("datasetFacts", () => {
  it("counts groups, medians and unknown values", async () => {
    const facts: DatasetFacts = await datasetFacts(await checkDataset(at("set")));
    expect(facts).toMatchObject({
      pairs: 44,
      subjects: 23,
      groups: 6,
      smallGroups: 2,
      unknown: { age: 1, race: 0 },
    });
    expect(facts.perSubject).toEqual({ min: 1, median: 2, max: 2 });
  });
});

describe("chooseLicence", () => {
  it("wants a choice that fits", () => {
    expect(chooseLicence("hagrid", false)).toBe("hagrid");
    expect(chooseLicence("drawn", true)).toBe("drawn");
    expect(() => chooseLicence(undefined, false)).toThrow(
      "Expected a choice of licence, hagrid or drawn, for --licence, got nothing",
    );
    expect(() => chooseLicence("mit", false)).toThrow('got "mit"');
    expect(() => chooseLicence("drawn", false)).toThrow(
      'Expected hagrid: this dataset is derived from HaGRID for --licence, got "drawn"',
    );
    expect(() => chooseLicence("hagrid", true)).toThrow("Expected drawn: nobody in this dataset is real");
  });
});

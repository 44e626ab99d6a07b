// `release retract`: who is taken out is in no byte of the new version, nor are their pictures, under whatever id; who saw them is listed.
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEDGER_COLUMNS } from "../../src/dataset/ledger-columns.ts";
import { readManifest } from "../../src/dataset/manifest.ts";
import { keyedPseudonyms } from "../../src/dataset/pseudonyms.ts";
import { readCsv } from "../../src/formats/csv.ts";
import { readParquetTexts } from "../../src/formats/parquet/parquet.ts";
import { sha256File } from "../../src/machine/files.ts";
import { decodeImage } from "../../src/pixels/image.ts";
import { type RgbImage, resizeBilinear } from "../../src/pixels/pixels.ts";
import { laySample } from "../sample.ts";
import { findTraces, partsBelow, type Traces } from "../traces.ts";
import { runCli } from "./run.ts";

let root: string;
const at = (name: string) => join(root, name);
/** Who is taken out; in the file's tests others are not. */
let person = "";
/** A frame of somebody else that has the bytes of one of theirs, and one that theirs repeats. */
let copied = "";
let original = "";
/** A frame of theirs that a decision removes, whose crops stay beside. */
let second = "";
/** Whose those two are. */
let repeating: readonly string[] = [];
let traces: Traces = {};
/** Their crops as they were, and those of the frames that show the same. */
let crops: readonly Uint8Array[] = [];
const KEY = "k".repeat(40);

const ABOUT = [
  "--licence",
  "drawn",
  "--date",
  "2026-11-24",
  "--creator",
  "Nobody",
  "--url",
  "https://example.org/p",
];
const TINY = [
  ...["--arch", "umcc", "--tag", "test_efficientnet.none_F0_An_Lb_Z2", "--image-size", "32", "--epochs", "1"],
  ...["--batch", "4", "--threads", "1", "--workers", "1"],
];

interface Row extends Readonly<Record<string, string>> {}
async function ledger(set: string): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const { values } of readCsv(at(`${set}/ledger.csv`), LEDGER_COLUMNS)) rows.push(values);
  return rows;
}
async function table(set: string): Promise<Map<string, string>> {
  const splits = new Map<string, string>();
  for (const split of ["train", "val", "test"])
    for await (const { values } of readCsv(at(`${set}/${split}.csv`), ["id"], { allowOthers: true }))
      splits.set(values.id, split);
  return splits;
}
const derive = (out: string, ...more: readonly string[]) =>
  runCli(
    ...["derive", "--hagrid", at("raw"), "--gestures", "all", "--out", at(out), "--size", "64", ...more],
    ...["--face-landmarks", at("raw/face_landmarks.json")],
  );
const frame = ({ gesture, image_id: id }: Row) => at(`raw/${gesture}/${id}.jpg`);
const retract = (set: string, out: string, ...more: readonly string[]) =>
  runCli("release", "retract", at(set), "--subject", person, "--out", at(out), ...more);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-retracted-"));
  await laySample(at("raw"), { subjects: 16, framesPerSubject: 3, seed: 42 });
  expect((await derive("first")).code).toBe(0);
  await layRepeats(await ledger("first"));
  const reviewed = (await ledger("first")).find(
    (row) => row.status === "kept" && ![person, ...repeating].includes(row.user_id!),
  )!.image_id;
  const decided = `who,when,what,why,image_id,user_id\nAnn,2026-01-02,remove,like ${person},${reviewed},\nAnn,2026-01-02,remove,blurred,${second},\n`;
  await writeFile(at("decisions.csv"), `${decided}Ben,2026-01-02,restore,fine,,${person}\n`);
  expect((await derive("pairs", "--decisions", at("decisions.csv"))).code).toBe(0);
  await collectTraces(await ledger("pairs"));
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

/** One of the person's frames is copied over another's that comes later, and one of another's that comes earlier over theirs. */
async function layRepeats(rows: readonly Row[]): Promise<void> {
  const kept = rows.filter(({ status }) => status === "kept");
  const place = ({ image_id: id }: Row) => rows.findIndex((row) => row.image_id === id);
  const able = (id: string) => kept.filter(({ user_id }) => user_id === id);
  person = [...new Set(kept.map(({ user_id }) => user_id!))].find((id) => able(id).length === 3)!;
  const [one, two, three] = able(person).sort((a, b) => place(a) - place(b));
  const others = kept.filter(({ user_id }) => user_id !== person);
  const later = others.findLast((row) => place(row) > place(one!))!;
  const earlier = others.find((row) => place(row) < place(three!) && row.user_id !== later.user_id)!;
  second = two!.image_id!;
  [copied, original] = [later.image_id!, earlier.image_id!];
  repeating = [later.user_id!, earlier.user_id!];
  await copyFile(frame(one!), frame(later));
  await copyFile(frame(earlier), frame(three!));
}

async function collectTraces(rows: readonly Row[]): Promise<void> {
  const theirs = rows.filter(
    ({ user_id, image_id }) => user_id === person || [copied, original].includes(image_id!),
  );
  const files = await readdir(at("pairs"), { recursive: true });
  const found = files.filter((name) => theirs.some(({ image_id: id }) => name.includes(id!)));
  crops = await Promise.all(found.map((name) => readFile(at(`pairs/${name}`))));
  traces = {
    person,
    ...Object.fromEntries(theirs.map(({ image_id: id }) => [`image ${id}`, id!])),
    ...Object.fromEntries(found.map((name, i) => [name, crops[i]!])),
  };
  const own = theirs.filter(({ user_id }) => user_id === person);
  expect(own.map(({ status }) => status).sort()).toEqual(["kept", "removed", "removed"]);
  expect(theirs.find(({ image_id: id }) => id === copied)!.twin).toBe(own[0]!.image_id);
  expect(own.map(({ twin }) => twin)).toContain(original);
  expect(found.filter((name) => name.startsWith("removed_")).length).toBe(2);
  expect(crops.length).toBe(6);
}

/** How far the nearest picture in a folder is from any of theirs, mean difference of channels at 24 px. */
async function nearest(dir: string): Promise<number> {
  const small = (image: RgbImage) => resizeBilinear(image, 24, 24).data;
  const sought = await Promise.all(crops.map(async (bytes) => small(await decodeImage(bytes))));
  let least = Number.POSITIVE_INFINITY;
  for (const bytes of await partsBelow(dir)) {
    if (bytes[0] !== 0xff || bytes[1] !== 0xd8) continue;
    const seen = small(await decodeImage(bytes));
    for (const data of sought) {
      let sum = 0;
      for (let i = 0; i < data.length; i++) sum += Math.abs(data[i]! - seen[i]!);
      least = Math.min(least, sum / data.length);
    }
  }
  return least;
}

/** A thumbnail: theirs at another size and quality, as bytes that are nowhere else. */
async function layMore(set: string): Promise<void> {
  await mkdir(at(`${set}/thumbnails`));
  await copyFile(
    at(`${set}/${Object.keys(traces).find((name) => name.endsWith(".jpg"))}`),
    at(`${set}/thumbnails/a.jpg`),
  );
  await writeFile(at(`${set}/notes.txt`), `ask ${person}\n`);
  await writeFile(
    at(`${set}/decisions.csv`),
    `who,when,what,why,image_id,user_id\nAnn,2026-01-02,remove,dark,,${person}\nAnn,2026-01-02,remove,as H_${original}.jpg,x9,\n`,
  );
  const line = (id: string, user: string, more = {}) =>
    JSON.stringify({
      ...{
        id,
        annotator: "Ann",
        when: "2026-02-02T12:00:00Z",
        user_id: user,
        recorded: { gender: "male" },
        ms: 1,
      },
      ...{
        asked: ["gender"],
        seen: { label: true, predictions: false, judgements: false, pictures: ["face"] },
      },
      ...{ choice: "confirm", ...more },
    });
  const lines = [
    line("1", person),
    line("2", "somebody", { note: `not ${person}` }),
    line("3", person, { reverts: "1" }),
  ];
  await writeFile(at(`${set}/annotations.jsonl`), `${lines.join("\n")}\n`);
  await writeFile(at(`${set}.annotations.jsonl`), `${lines.join("\n")}\n`);
}

describe("release retract", () => {
  it("leaves no byte and no picture of the person, nor of who shows the same photographs", {
    timeout: 60_000,
  }, async () => {
    await layMore("pairs");
    expect((await findTraces(at("pairs"), traces)).length).toBeGreaterThan(10);
    expect(await nearest(at("pairs"))).toBeLessThan(1);
    const before = await sha256File(at("pairs/train.csv"));
    const { code, stdout, stderr } = await retract(
      "pairs",
      "new",
      "--reason",
      "their wish",
      "--date",
      "2026-11-29",
    );
    expect(stderr).toMatch(/^retract: \d+ images of .*pairs, into .*new\n$/);
    expect(code).toBe(0);
    expect(await findTraces(at("new"), traces)).toEqual([]);
    expect(await nearest(at("new"))).toBeGreaterThan(4);
    for (const beside of ["new.annotations.jsonl", "new.retraction.json", "new.retraction.md"]) {
      const text = await readFile(at(beside), "utf8");
      for (const trace of Object.values(traces))
        if (typeof trace === "string") expect(text).not.toContain(trace);
    }
    for (const trace of Object.values(traces))
      if (typeof trace === "string") expect(stdout).not.toContain(trace);
    expect(stdout).toMatch(/^retracted 2 pairs and 5 frames of one subject, 2 of them under other ids, /);
    expect(stdout).toMatch(/\nleft out {2}notes\.txt, thumbnails: make these again from the new version\n/);
    expect(stdout).toMatch(/\nmodels {4}not searched: give --runs/);
    expect(stdout).toMatch(/\nWhat this cannot erase:\n- The version before/);
    expect(await sha256File(at("pairs/train.csv"))).toBe(before);
    expect((await readdir(root)).filter((name) => name.includes("partial"))).toEqual([]);
  });

  it("passes the check, with everybody else in their split, and counts and hashes of what is there", async () => {
    const checked = await runCli("data", "check", at("new"), "--json");
    expect([checked.code, JSON.parse(checked.stdout).totals.serious]).toEqual([0, 0]);
    const [was, is] = [await table("pairs"), await table("new")];
    const gone = new Set(
      (await ledger("pairs")).filter((row) => row.user_id === person).map((row) => row.image_id!),
    );
    for (const [id, split] of was) {
      if (gone.has(id) || [copied, original].includes(id)) expect(is.has(id)).toBe(false);
      else expect(is.get(id)).toBe(split);
    }
    expect(is.size).toBe(was.size - 2);
    const rows = await ledger("new");
    const { counts, files, retracted, source } = (await readManifest(at("new")))!;
    expect(rows.length).toBe((await ledger("pairs")).length - 5);
    expect([counts.frames, counts.kept]).toEqual([rows.length, is.size]);
    const removed = rows.filter(({ status }) => status === "removed");
    expect(Object.values(counts.removed).reduce((sum, n) => sum + n, 0)).toBe(removed.length);
    expect(counts.pairs.train + counts.pairs.val + counts.pairs.test).toBe(is.size);
    const subjects = new Set(rows.filter(({ status }) => status === "kept").map((row) => row.user_id));
    expect(counts.subjects.train + counts.subjects.val + counts.subjects.test).toBe(subjects.size);
    expect(retracted).toEqual({ subjects: 1, frames: 5 });
    expect(source.decisions).toMatchObject([{ who: "Ann", why: "like (erased)" }]);
    for (const [name, hash] of Object.entries(files)) expect(await sha256File(at(`new/${name}`))).toBe(hash);
    const typed = await readParquetTexts(at("new/ledger.parquet"));
    expect(typed.get("image_id")).toEqual(rows.map(({ image_id: id }) => id));
    expect(typed.get("reason")).toEqual(rows.map(({ reason }) => reason));
  });

  it("takes the person out of what people wrote, and nobody else", async () => {
    const logs = ["new/annotations.jsonl", "new.annotations.jsonl"];
    for (const log of logs) {
      const lines = (await readFile(at(log), "utf8"))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(lines.map(({ id, note }) => [id, note])).toEqual([["2", "not (erased)"]]);
    }
    expect(await readFile(at("new/decisions.csv"), "utf8")).toBe(
      "who,when,what,why,image_id,user_id\nAnn,2026-01-02,remove,as (erased).jpg,x9,\n",
    );
    expect(await readFile(at("new/CHANGELOG.md"), "utf8")).toBe(
      "# Changelog\n\n## Unreleased (2026-11-29)\n\n- One subject was taken out, with 2 pairs and 5 frames. Nobody else changed splits. Reason: their wish\n",
    );
  });

  it("is not taken for the derivation that it was made of", async () => {
    const { code, stderr } = await derive("new", "--decisions", at("decisions.csv"));
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^Expected an empty or new folder for --out, got (this dataset, retracted from since,|a dataset of another)/,
    );
  });

  it("can be taken from again; the changelog and the count go on", async () => {
    const other = (await ledger("new")).find(({ status }) => status === "kept")!.user_id!;
    const { code } = await runCli(
      "release",
      "retract",
      at("new"),
      "--subject",
      other,
      "--out",
      at("third"),
      "--release",
      "2.0.0",
    );
    expect(code).toBe(0);
    expect((await readManifest(at("third")))!.retracted!.subjects).toBe(2);
    const log = await readFile(at("third/CHANGELOG.md"), "utf8");
    expect(log).toMatch(
      /^# Changelog\n\n## 2\.0\.0\n\n- One subject [^#]*\n\n## Unreleased \(2026-11-29\)\n\n- One/,
    );
    expect(await findTraces(at("third"), { other, ...traces })).toEqual([]);
  });
});

describe("the list of runs and models", () => {
  it("has what learned from the person, began with such weights, or names them; it can be signed", {
    timeout: 120_000,
  }, async () => {
    const train = (out: string, data: string, ...more: readonly string[]) =>
      runCli("train", ...TINY, "--data", `pairs:${at(data)}`, "--out", at(out), ...more);
    expect((await train("runs/saw", "pairs")).code).toBe(0);
    expect((await train("runs/clean", "new")).code).toBe(0);
    const best = at("runs/saw/checkpoints/best.safetensors");
    expect((await runCli("model", "export", at("runs/saw"), "--onnx", at("runs/exported.onnx"))).code).toBe(
      0,
    );
    await mkdir(at("runs/later"), { recursive: true });
    for (const name of ["config.json", "environment.json"])
      await copyFile(at(`runs/clean/${name}`), at(`runs/later/${name}`));
    const config = JSON.parse(await readFile(at("runs/later/config.json"), "utf8"));
    await writeFile(at("runs/later/config.json"), JSON.stringify({ ...config, weights: best }));
    await writeFile(at("runs/saw/features.bin"), "rows, as of a run that was stopped");
    await writeFile(at("runs/foreign.pt"), "torch");
    await writeFile(at("runs/notes.md"), `look at F_${person.toUpperCase()}.jpg`);
    await rm(at("again"), { recursive: true, force: true });
    const { code, stdout } = await retract("pairs", "again", "--runs", at("runs"), "--json");
    expect(code).toBe(0);
    const list = JSON.parse(await readFile(at("again.retraction.json"), "utf8"));
    const places = (all: readonly { place: string; what: string }[]) =>
      all.map(({ place, what }) => `${what} ${place.slice(root.length + 1)}`);
    const certain = places(list.saw);
    expect(certain).toEqual(
      expect.arrayContaining([
        "run runs/saw",
        "run runs/later",
        "checkpoint runs/saw/checkpoints/best.safetensors",
        "checkpoint runs/saw/checkpoints/last.safetensors",
        "exported model runs/exported.onnx",
        "features runs/saw/features.bin",
        "file runs/notes.md",
      ]),
    );
    expect(certain.filter((place) => place.includes("clean"))).toEqual([]);
    expect(places(list.mayHaveSeen)).toEqual(
      expect.arrayContaining(["checkpoint runs/foreign.pt", "run runs/clean"]),
    );
    const run = list.saw.find(({ place }: { place: string }) => place === at("runs/saw"));
    const split = (await table("pairs")).get(
      (await ledger("pairs")).find((r) => r.user_id === person && r.status === "kept")!.image_id!,
    );
    const words = { train: "learned from", val: "its epoch was chosen by", test: "predicted" }[
      split as "train"
    ];
    expect(run.why).toContain(`${words} their images`);
    expect([run.done, list.signed]).toEqual([
      { who: "", when: "", note: "" },
      { who: "", when: "", note: "" },
    ]);
    expect(JSON.parse(stdout).seen.certain.length).toBe(list.saw.length);
    const text = await readFile(at("again.retraction.md"), "utf8");
    expect(text).toContain("| where | what | why | to do | done by | on |");
    expect(text).toMatch(/- Name: _+\n- Date: _+\n- Signature: _+\n$/);
    for (const trace of Object.values(traces))
      if (typeof trace === "string") expect(text).not.toContain(trace);
  });
});

describe("ids", () => {
  it("are those of the tables; the nearest is named, and none is guessed", async () => {
    const near = `${person.slice(0, -1)}${person.endsWith("0") ? "1" : "0"}`;
    const { code, stderr } = await runCli(
      "release",
      "retract",
      at("pairs"),
      "--subject",
      near,
      "--out",
      at("x"),
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^Expected the original id of a subject as in the tables of .*pairs for --subject, got /,
    );
    expect(stderr).toContain(
      `Try: the nearest is ${person}; for the id of a bundle with hashed ids also give the bundle's --key`,
    );
    await expect(readdir(at("x"))).rejects.toThrow();
  });

  it("are taken in either form with the key of a bundle with hashed ids", { timeout: 60_000 }, async () => {
    await writeFile(at("key"), KEY);
    const hashed = ["--hash-subjects", "--key", at("key"), "--release", "1.2.0"];
    expect(
      (await runCli("release", "bundle", at("first"), ...ABOUT, ...hashed, "--out", at("bundle"))).code,
    ).toBe(0);
    expect((await runCli("data", "fetch", at("bundle"), "--out", at("fetched"))).code).toBe(0);
    const published = keyedPseudonyms(Buffer.from(KEY)).subject(person);
    const of = (set: string, id: string, out: string, ...more: readonly string[]) =>
      runCli("release", "retract", at(set), "--subject", id, "--out", at(out), ...more);
    const plain = await of("fetched", person, "x");
    expect([plain.code, plain.stderr]).toEqual([
      2,
      expect.stringMatching(/^Expected the published id of a subject as/),
    ]);
    expect(plain.stderr).toContain("for an original id also give the bundle's --key");
    expect((await of("fetched", published, "by published")).code).toBe(0);
    expect((await of("fetched", person, "by original", "--key", at("key"))).code).toBe(0);
    expect((await of("first", published, "of own", "--key", at("key"))).code).toBe(0);
    for (const out of ["by published", "by original", "of own"])
      expect(await findTraces(at(out), { person, published })).toEqual([]);
    const note = JSON.parse(await readFile(at("by published/release.json"), "utf8"));
    expect([note.info.version, note.hashedIds, note.pairs]).toEqual([
      "1.3.0",
      true,
      (await table("by published")).size,
    ]);
    expect(await readFile(at("by published/CHANGELOG.md"), "utf8")).toContain("## 1.3.0\n");
    expect((await runCli("data", "check", at("by published"))).code).toBe(0);
    const again = ["bundle", at("by published"), ...ABOUT, "--release", "1.3.0", "--out", at("bundled")];
    expect((await runCli("release", ...again)).code).toBe(0);
    const bundled = JSON.parse(await readFile(at("bundled/release.json"), "utf8"));
    expect(bundled.hashedIds).toBe(true); // its ids are what they were
    expect(await findTraces(at("bundled"), { person, published })).toEqual([]);
    const next = await runCli(
      "release",
      "bundle",
      at("of own"),
      ...ABOUT,
      "--release",
      "1.3.0",
      ...hashed.slice(0, 3),
      "--out",
      at("next"),
    );
    expect(next.code).toBe(0);
    expect(await findTraces(at("next"), { person, published })).toEqual([]);
    expect(await readFile(at("next/SHA256SUMS"), "utf8")).toContain("  CHANGELOG.md\n");
  });

  it("that mean two subjects are refused", async () => {
    await cp(at("first"), at("two"), { recursive: true });
    await rm(at("two/manifest.json"));
    const published = keyedPseudonyms(Buffer.from(KEY)).subject(person);
    const other = (await ledger("two")).find((row) => row.user_id !== person)!.user_id!;
    for (const name of ["train.csv", "val.csv", "test.csv", "ledger.csv"]) {
      const text = await readFile(at(`two/${name}`), "utf8");
      await writeFile(at(`two/${name}`), text.replaceAll(other, published));
    }
    const { code, stderr } = await runCli(
      ...["release", "retract", at("two"), "--subject", published, "--key", at("key"), "--out", at("x")],
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/ that means one subject for --subject, got /);
    expect(stderr).toContain(person);
  });
});

describe("what is refused", () => {
  it.each([
    ["the id", () => `wish of ${person}`],
    ["the id, broken up", () => `wish of ${person.slice(0, 8)} ${person.slice(8).toUpperCase()}`],
    ["an image", () => `not H_${original}.jpg`],
  ])("a reason that has %s", async (_name, reason) => {
    const { code, stderr } = await retract("pairs", "x", "--reason", reason());
    expect([code, stderr.split("\n")[0]]).toEqual([
      2,
      `Expected a reason without the subject's id or those of their images for --reason, got "one that has it"`,
    ]);
  });

  it("folders that are not there, places that are taken, repairs that were stopped", async () => {
    const absent = await retract("pairs", "x", "--runs", at("none"));
    expect([absent.code, absent.stderr]).toEqual([
      2,
      expect.stringMatching(/^Expected a folder with runs or models for --runs/),
    ]);
    const taken = await retract("pairs", "new");
    expect([taken.code, taken.stderr]).toEqual([
      2,
      expect.stringMatching(/^Expected a new or empty folder for --out/),
    ]);
    const inside = await retract("pairs", "pairs/new");
    expect([inside.code, inside.stderr]).toEqual([2, expect.stringMatching(/^Expected a place apart from /)]);
    await writeFile(at("y.retraction.md"), "signed\n");
    const beside = await retract("pairs", "y");
    expect([beside.code, beside.stderr]).toEqual([
      2,
      expect.stringMatching(
        /\nExpected nothing at .*y\.retraction\.md, where this retraction writes for --out, got "another file"/,
      ),
    ]);
    expect(await readFile(at("y.retraction.md"), "utf8")).toBe("signed\n");
    await cp(at("first"), at("pending"), { recursive: true });
    await mkdir(at("pending/.repair"));
    await writeFile(at("pending/.repair/moves.json"), "{}");
    const pending = await retract("pending", "x");
    expect([pending.code, pending.stderr]).toEqual([
      3,
      expect.stringMatching(/^Expected a dataset whose repair is finished for /),
    ]);
  });

  it("serious faults of others, not those of the person's own rows", async () => {
    for (const set of ["theirs", "others"]) {
      await cp(at("first"), at(set), { recursive: true });
      const rows = (await ledger(set)).filter(({ status }) => status === "kept");
      const row = rows.find(({ user_id: id }) => (id === person) === (set === "theirs"))!;
      await rm(at(`${set}/images/content/aligned_dataset/faces/F_${row.image_id}.jpg`));
    }
    const others = await retract("others", "x");
    expect([others.code, others.stderr]).toEqual([
      3,
      expect.stringMatching(/^Expected no serious findings about others in /),
    ]);
    const { code, stderr } = await retract("theirs", "z");
    expect([code, stderr.split("\n")[0]]).toEqual([0, expect.stringMatching(/^retract: /)]);
    expect(dirname(at("z"))).toBe(root);
  });
});

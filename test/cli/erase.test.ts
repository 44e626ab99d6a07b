// Who withdraws, and who decided, as what is published has them: every byte of every output is searched.
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEDGER_COLUMNS } from "../../src/dataset/ledger-columns.ts";
import { readCsv } from "../../src/formats/csv.ts";
import { decodeImage } from "../../src/pixels/image.ts";
import { resizeBilinear } from "../../src/pixels/pixels.ts";
import { laySample } from "../sample.ts";
import { findTraces, type Traces } from "../traces.ts";
import { runCli } from "./run.ts";

let root: string;
const at = (name: string) => join(root, name);
let person = "";
let theirs: readonly Record<string, string>[] = [];
let blurred = "";
/** Who decided, and what they wrote. */
const WRITTEN: Traces = { name: "Ann Other", note: "too dark for me", second: "Ben Else" };
let traces: Traces = {};

const derive = (out: string, ...more: readonly string[]) =>
  runCli(
    ...["derive", "--hagrid", at("raw"), "--gestures", "all", "--out", at(out), "--size", "64"],
    ...["--face-landmarks", at("raw/face_landmarks.json"), ...more],
  );
const bundle = (out: string, ...more: readonly string[]) =>
  runCli(
    ...["release", "bundle", at("pairs"), "--licence", "drawn", "--release", "1.0.0", "--date", "2026-11-24"],
    ...["--creator", "Nobody", "--url", "https://example.org/p", "--out", at(out), ...more],
  );
async function ledger(path: string) {
  const rows: Record<string, string>[] = [];
  for await (const { values } of readCsv(at(path), LEDGER_COLUMNS)) rows.push(values);
  return rows;
}
const crop = (set: string, name: string) =>
  readFile(at(`${set}/images/content/aligned_dataset/${name[0] === "H" ? "hands" : "faces"}/${name}`));

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-withdrawn-"));
  await laySample(at("raw"), { subjects: 16, framesPerSubject: 2, seed: 42 });
  await derive("pairs");
  const rows = await ledger("pairs/ledger.csv");
  person = rows.find(({ status }) => status === "kept")!.user_id!;
  theirs = rows.filter(({ user_id }) => user_id === person);
  const others = rows.filter(({ user_id, status }) => user_id !== person && status === "kept");
  blurred = others[0]!.image_id!;
  const kept = theirs.filter(({ status }) => status === "kept");
  const names = kept.flatMap(({ image_id: id }) => [`H_${id}.jpg`, `F_${id}.jpg`]);
  traces = {
    person,
    ...Object.fromEntries(theirs.map(({ image_id: id }) => [`image ${id}`, id!])),
    ...Object.fromEntries(await Promise.all(names.map(async (name) => [name, await crop("pairs", name)]))),
    "the wish": "please take me out",
  };
  await cp(at("pairs"), at("before"), { recursive: true });
  await writeFile(
    at("decisions.csv"),
    [
      "who,when,what,why,image_id,user_id",
      `Ann Other,2026-01-02,remove,too dark for me,${blurred},`,
      `Ben Else,2026-01-02,restore,looks fine,${others[1]!.image_id},`,
      `Ann Other,2026-02-02,erase,please take me out,,${person}`,
      "",
    ].join("\n"),
  );
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("a person who withdraws", () => {
  it("is in no byte of the dataset that the same command gives, and the first line says so", async () => {
    expect((await findTraces(at("pairs"), traces)).length).toBeGreaterThan(6);
    const { code, stdout } = await derive(
      "pairs",
      "--decisions",
      at("decisions.csv"),
      "--report",
      at("page.html"),
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^erased    ${theirs.length} frames of 1 subjects and images; `));
    expect(await findTraces(at("pairs"), traces)).toEqual([]);
    expect((await readdir(root)).filter((name) => name.startsWith("pairs"))).toEqual(["pairs"]);
    const result = JSON.parse((await derive("pairs", "--decisions", at("decisions.csv"), "--json")).stdout);
    expect(result.erased).toEqual({ decisions: 1, frames: theirs.length, unmatched: 0 });
  });

  it("is not seen in the report", async () => {
    const page = await readFile(at("page.html"), "utf8");
    for (const trace of Object.values(traces))
      if (typeof trace === "string") expect(page).not.toContain(trace);
    const all = [...page.matchAll(/alt="(?:hand|face)"[^>]*base64,([^"]+)"/g)].map(([, data]) => data!);
    const shown = await Promise.all(all.map(async (data) => decodeImage(Buffer.from(data, "base64"))));
    const near = async (bytes: Uint8Array) => {
      const small = resizeBilinear(await decodeImage(bytes), 160, 160).data;
      const far = shown.map(({ data }) => {
        let sum = 0;
        for (let i = 0; i < data.length; i++) sum += Math.abs(data[i]! - small[i]!);
        return sum / data.length;
      });
      return Math.min(...far);
    };
    const { image_id: other } = (await ledger("pairs/ledger.csv")).find(({ status }) => status === "kept")!;
    expect(await near(await crop("pairs", `F_${other}.jpg`))).toBeLessThan(3);
    for (const { image_id: id, status } of theirs) {
      if (status === "kept") expect(await near(await crop("before", `F_${id}.jpg`))).toBeGreaterThan(6);
    }
  });

  it("is in no export and no bundle, nor is who decided or why", async () => {
    const all = { ...traces, ...WRITTEN };
    expect((await bundle("bundle", "--with-removed")).code).toBe(0);
    for (const kind of ["parquet", "webdataset", "imagefolder"]) {
      const { code } = await runCli(
        "data",
        "export",
        at("pairs"),
        `--${kind}`,
        "--out",
        at(kind),
        "--with-removed",
      );
      expect(code).toBe(0);
    }
    const page = ["page", at("pairs"), "--licence", "drawn", "--release", "1.0.0", "--date", "2026-11-24"];
    const { code } = await runCli(
      ...["release", ...page, "--creator", "Nobody", "--url", "https://example.org/p"],
      ...["--out", at("page"), "--with-pictures"],
    );
    expect(code).toBe(0);
    for (const out of ["bundle", "parquet", "webdataset", "imagefolder", "page"])
      expect(await findTraces(at(out), all)).toEqual([]);
    expect(Object.keys(await findTraces(at("pairs"), WRITTEN))).not.toEqual([]); // they stand in the dataset itself
    const decided = (await ledger("bundle/ledger.csv")).filter(({ decision }) => decision !== "");
    expect(
      decided
        .map(({ decided_by, decision, decided_at, decided_why }) => [
          decided_by,
          decision,
          decided_at,
          decided_why,
        ])
        .sort(),
    ).toEqual([
      ["A1", "remove", "2026-01-02", ""],
      ["A2", "restore", "2026-01-02", ""],
    ]);
    const { source } = JSON.parse(await readFile(at("bundle/manifest.json"), "utf8"));
    expect(source.decisions.map(({ who, why }: Record<string, string>) => [who, why])).toEqual([
      ["A1", undefined],
      ["A2", undefined],
    ]);
    await runCli("data", "fetch", at("bundle"), "--out", at("fetched"));
    expect((await runCli("data", "check", at("fetched"))).code).toBe(0);
  });

  it("leaves the crops that cleaning removed to a flag, and prints how many they are", async () => {
    const removed = await readFile(at(`pairs/removed_faces/F_${blurred}.jpg`));
    const { stdout } = await bundle("lean");
    expect(stdout).toMatch(/\n\d+ crops that cleaning removed are left out; --with-removed publishes them\n/);
    const result = await runCli("data", "export", at("pairs"), "--parquet", "--out", at("lean parquet"));
    expect(result.stdout).toMatch(/crops that cleaning removed are left out; --with-removed exports them\n$/);
    for (const out of ["lean", "lean parquet"]) expect(await findTraces(at(out), { removed })).toEqual([]);
    expect((await findTraces(at("bundle"), { removed })).length).toBe(1);
  });
});

describe("--decisions of release bundle, release page and data export", () => {
  const shipped = async (set: string, file: string, ...more: readonly string[]) => [
    await runCli(
      ...["data", "export", at(set), "--parquet", "--out", at("unshipped"), "--decisions", at(file), ...more],
    ),
    await runCli(
      ...["release", "bundle", at(set), "--licence", "drawn", "--release", "1.0.0", "--date", "2026-11-24"],
      ...["--creator", "Nobody", "--url", "https://example.org/p", "--out", at("unbundled")],
      ...["--decisions", at(file)],
    ),
    await runCli(
      ...["release", "page", at(set), "--licence", "drawn", "--release", "1.0.0", "--date", "2026-11-24"],
      ...["--creator", "Nobody", "--url", "https://example.org/p", "--out", at("unpaged"), "--with-pictures"],
      ...["--decisions", at(file)],
    ),
  ];
  const HEAD = "who,when,what,why,image_id,user_id";

  it("refuse the dataset from before the wish, name the rows, and write nothing", async () => {
    for (const { code, stderr, stdout } of await shipped("before", "decisions.csv")) {
      expect([code, stdout]).toEqual([3, ""]);
      expect(stderr).toContain(
        `Expected nothing in ${at("before")} of the 1 subjects and images that ${at("decisions.csv")} erases, got `,
      );
      expect(stderr).toMatch(/ places: (train|val|test)\.csv:\d+ \(/);
      expect(stderr).toContain(
        `Try: derive it again with --decisions ${at("decisions.csv")}, to the same --out`,
      );
    }
    const names = await readdir(root);
    expect(names.filter((name) => name.startsWith("un"))).toEqual([]);
  });

  it("take it once it was derived again, and say so", async () => {
    for (const { code, stdout, stderr } of await shipped("pairs", "decisions.csv")) {
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(/\nnone of the 1 subjects and images that .*decisions\.csv erases is in it\n$/);
    }
    for (const out of ["unshipped", "unbundled", "unpaged"]) {
      expect(await findTraces(at(out), traces)).toEqual([]);
      await rm(at(out), { recursive: true });
    }
  });

  it("see a ledger row, a removed crop, a mention and another spelling, and files that erase nobody", async () => {
    const rows = await ledger("pairs/ledger.csv");
    const dropped = rows.find(({ status }) => status === "dropped" || status === "removed")!.image_id!;
    const spelled = blurred.toUpperCase();
    await writeFile(at("row.csv"), `${HEAD}\nx,2026-02-02,erase,w,${dropped},\n`);
    await writeFile(at("spelled.csv"), `${HEAD}\nx,2026-02-02,erase,w,${spelled.replaceAll("_", " ")},\n`);
    await writeFile(at("nobody.csv"), `${HEAD}\nx,2026-02-02,remove,w,${blurred},\n`);
    for (const { code, stderr } of await shipped("pairs", "row.csv")) {
      expect(code).toBe(3);
      expect(stderr).toMatch(/ledger\.csv:\d+ \(/);
    }
    for (const { code, stderr } of await shipped("pairs", "spelled.csv")) {
      expect(code).toBe(3);
      expect(stderr).toContain(`removed_faces/F_${blurred}.jpg`);
    }
    const [result] = await shipped("pairs", "nobody.csv", "--json");
    expect(JSON.parse(result!.stdout).erases).toBe(0);
    for (const out of ["unshipped", "unbundled", "unpaged"]) await rm(at(out), { recursive: true });
  });

  it("refuse to ask a dataset of hashed ids, which no decision can name", async () => {
    await bundle("keyed", "--hash-subjects");
    await runCli("data", "fetch", at("keyed"), "--out", at("keyed set"));
    for (const { code, stderr } of await shipped("keyed set", "decisions.csv")) {
      expect(code).toBe(3);
      expect(stderr).toMatch(
        /^Expected ids that .*decisions\.csv can name in .*, got keyed hashes in their place/,
      );
    }
  });
});

describe("release bundle --hash-subjects", () => {
  const ids = async () => {
    const rows = await ledger("pairs/ledger.csv");
    return Object.fromEntries(
      rows.flatMap((row) =>
        [row.user_id!, row.image_id!, row.sha256!, row.look!].filter((id) => id !== "").map((id) => [id, id]),
      ),
    );
  };

  it("lets no id of a subject, pair, frame or file through, alike in all tables", async () => {
    const { code, stdout } = await bundle("hashed", "--hash-subjects", "--with-removed");
    expect(code).toBe(0);
    expect(stdout).toContain(`key of the hashed ids, never to be published: ${at("hashed.key")} (made now)`);
    expect((await stat(at("hashed.key"))).mode & 0o077).toBe(0);
    const key = (await readFile(at("hashed.key"), "utf8")).trim();
    expect(await findTraces(at("hashed"), { ...(await ids()), key })).toEqual([]);
    await runCli("data", "fetch", at("hashed"), "--out", at("hashed set"));
    const checked = await runCli("data", "check", at("hashed set"), "--json");
    const plain = await runCli("data", "check", at("pairs"), "--json");
    expect(checked.code).toBe(0);
    expect(JSON.parse(checked.stdout).counts).toEqual(JSON.parse(plain.stdout).counts);
    const rows = await ledger("hashed set/ledger.csv");
    // Where things are in a frame leads to it too: HaGRID publishes boxes and landmarks of its frames.
    const places = [
      "face_box",
      "face_square",
      "face_points",
      "hand_box",
      "hand_square",
      "hand_points",
    ] as const;
    for (const place of places) {
      expect((await ledger("pairs/ledger.csv")).some((row) => row[place] !== "")).toBe(true);
      expect(rows.every((row) => row[place] === "")).toBe(true);
    }
    const subjects = new Map(rows.map((row) => [row.image_id, row.user_id]));
    const pairs = (await readFile(at("hashed set/train.csv"), "utf8")).trim().split("\n").slice(1);
    for (const pair of pairs) {
      const [id, subject] = pair.split(",");
      expect(subject).toMatch(/^[0-9a-f]{64}$/);
      expect(subjects.get(id!)).toBe(subject);
    }
    const order = rows.map((row) => row.image_id!);
    expect(order).toEqual([...order].sort());
  });

  it("gives the same names by the same key, others by another, and refuses a short one", async () => {
    const tables = (out: string) => readFile(at(`${out}/train.csv`), "utf8");
    await bundle("same", "--hash-subjects", "--key", at("hashed.key"));
    expect(await tables("same")).toBe(await tables("hashed"));
    await writeFile(at("other.key"), "k".repeat(32));
    await bundle("other", "--hash-subjects", "--key", at("other.key"));
    expect(await tables("other")).not.toBe(await tables("hashed"));
    await writeFile(at("short.key"), `${"k".repeat(31)}\n`);
    const short = await bundle("x", "--hash-subjects", "--key", at("short.key"));
    expect(short.stderr).toMatch(/^Expected at least 32 bytes for the key, got "31" \(/);
    const alone = await bundle("x", "--key", at("other.key"));
    expect([alone.code, alone.stderr.split("\n")[0]]).toEqual([
      2,
      "Expected --hash-subjects for --key, got nothing",
    ]);
    const absent = await bundle("x", "--hash-subjects", "--key", at("none.key"));
    expect([absent.code, absent.stderr]).toEqual([
      3,
      expect.stringMatching(/^Expected a key at .*none\.key, got no such file/),
    ]);
  });
});

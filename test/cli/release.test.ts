// A drawn set goes the whole way: derived, checked, published, read by another, and equal to what it was.
// What Python makes of a bundle (mlcroissant, and upstream's own example as it is): test/parity/bundle.py.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../src/core/files.ts";
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

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-release-"));
  await runCli("data", "sample", "--out", at("raw"), "--subjects", "16", "--frames", "2");
  const faces = ["--face-landmarks", at("raw/face_landmarks.json"), "--size", "64"];
  await runCli("derive", "--hagrid", at("raw"), "--gestures", "all", "--out", at("pairs"), ...faces);
});
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

  it("is fetched again from a mirror, and equal", async () => {
    const fetched = await runCli(
      "data",
      "fetch",
      "derived-hagrid",
      "--mirror",
      at("bundle"),
      "--out",
      at("fetched"),
    );
    expect(fetched.code).toBe(0);
    const before = await snapshot(at("pairs"));
    const pairs = before.filter((line) => /^(images\/|(train|val|test)\.csv)/.test(line));
    const after = await snapshot(at("fetched"));
    expect(after.filter((line) => !line.startsWith("fetched.json"))).toEqual(pairs);
    const checked = await runCli("data", "check", at("fetched"), "--json");
    expect(checked.code).toBe(0);
    const { counts } = JSON.parse((await runCli("data", "check", at("pairs"), "--json")).stdout);
    expect(JSON.parse(checked.stdout).counts).toEqual(counts);
  });

  it("goes through every other form and back, and is bundled to the same bytes", async () => {
    let set = at("fetched");
    for (const kind of ["parquet", "webdataset", "imagefolder"]) {
      expect((await runCli("data", "export", set, `--${kind}`, "--out", at(kind))).code).toBe(0);
      expect((await runCli("data", "import", at(kind), "--out", at(`${kind}-back`))).code).toBe(0);
      set = at(`${kind}-back`);
    }
    const stays = async (dir: string) =>
      (await snapshot(dir)).filter((line) => !/^(fetched|manifest)/.test(line));
    expect(await stays(set)).toEqual(await stays(at("fetched")));
    await cp(at("pairs/manifest.json"), join(set, "manifest.json")); // says that nobody is real
    for (const name of ["ledger.csv", "ledger.parquet"]) await cp(at(`pairs/${name}`), join(set, name));
    expect((await publish("bundle", set, "--licence", "drawn", "--out", at("bundle-2"))).code).toBe(0);
    const sums = async (name: string) =>
      (await readFile(at(`${name}/SHA256SUMS`), "utf8"))
        .split("\n")
        .filter((line) => !line.includes("removed_"));
    expect(await sums("bundle-2")).toEqual(await sums("bundle"));
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
